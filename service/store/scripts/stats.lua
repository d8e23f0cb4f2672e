-- How long the queue is, how old, and what was counted lately.
-- KEYS[1]  ready  KEYS[2] lease  KEYS[3] escalated  KEYS[4] waiting   ZSETs
-- KEYS[5]  stat   prefix of HASH <hour>
-- ARGV     hours to look back
-- Returns  {queued, leased, escalated, age of the oldest (ms; -1: none), overdue, [hour, counters]...}
local now = now_ms()
local oldest = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
local found = {redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[3]),
  oldest[2] and now - oldest[2] or -1, redis.call('ZCOUNT', KEYS[1], '-inf', now)}
local hour = math.floor(now / 3600000)
for back = 0, tonumber(ARGV[1]) - 1 do
  local flat = redis.call('HGETALL', KEYS[5] .. (hour - back))
  if #flat > 0 then found[#found + 1] = {(hour - back) * 3600, flat} end
end
return found
