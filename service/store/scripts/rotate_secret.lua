-- Set a new secret. Those before stay valid for a while, so that receivers can change theirs.
--   webhook:secrets      HASH current, previous, until (ms): when the previous one ends, older: JSON of {until, secret},
--                        newest first, for those before that
-- ARGV     sealed secret, how long the previous one stays valid (ms), actor, how many valid ones there may be beside it
-- Returns  {1, until when the previous one is valid (ms; 0: there was none)}, or {0, when the oldest ends (ms)} if there
--          are too many.
local key, now = P .. 'webhook:secrets', now_ms()
local before, previous = redis.call('HGET', key, 'current'), redis.call('HGET', key, 'previous')
local till = redis.call('HGET', key, 'until') or '0'
if before == ARGV[1] then return {1, tonumber(till)} end -- repeated after a lost reply
local older = {}
if previous and tonumber(till) > now then older[1] = {till, previous} end
for _, each in ipairs(cjson.decode(redis.call('HGET', key, 'older') or '[]')) do
  if tonumber(each[1]) > now then older[#older + 1] = each end
end
if #older >= tonumber(ARGV[4]) then return {0, tonumber(older[#older][1])} end
local ends = before and whole(now + tonumber(ARGV[2])) or '0'
redis.call('DEL', key)
redis.call('HSET', key, 'current', ARGV[1], 'until', ends)
if before then redis.call('HSET', key, 'previous', before) end
if #older > 0 then redis.call('HSET', key, 'older', cjson.encode(older)) end
audit('webhook_secret_made', ARGV[3], '', {})
return {1, tonumber(ends)}
