-- The length and age of the queue, and the counters of recent hours.
-- ARGV     hours to look back, how many of the newest to skip
-- Returns  {queued, leased, escalated, age of the oldest (ms; -1: none), overdue, next lease to end in (ms; -1: none),
--          {hour, counters}...}
local now = now_ms()
local oldest = redis.call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
local ends = redis.call('ZRANGE', P .. 'lease', 0, 0, 'WITHSCORES')
local found = {redis.call('ZCARD', P .. 'ready'), redis.call('ZCARD', P .. 'lease'), redis.call('ZCARD', P .. 'escalated'),
  oldest[2] and now - oldest[2] or -1, redis.call('ZCOUNT', P .. 'ready', '-inf', now),
  ends[2] and math.max(0, ends[2] - now) or -1}
local hour = math.floor(now / 3600000)
for back = tonumber(ARGV[2]), tonumber(ARGV[1]) - 1 do
  local flat = redis.call('HGETALL', P .. 'stat:' .. (hour - back))
  if #flat > 0 then found[#found + 1] = {(hour - back) * 3600, flat} end
end
return found
