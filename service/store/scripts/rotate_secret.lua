-- Set a new secret. The previous one stays valid for a while, so that receivers can change theirs.
-- ARGV     sealed secret, how long the previous one stays valid (ms), actor
-- Returns  until when the previous one is valid (ms; 0: there was none)
local key, now = P .. 'webhook:secrets', now_ms()
local before = redis.call('HGET', key, 'current')
if before == ARGV[1] then return redis.call('HGET', key, 'until') or 0 end -- repeated after a lost reply
local ends = before and whole(now + tonumber(ARGV[2])) or '0'
redis.call('DEL', key)
redis.call('HSET', key, 'current', ARGV[1], 'until', ends)
if before then redis.call('HSET', key, 'previous', before) end
audit('webhook_secret_made', ARGV[3], '', {})
return tonumber(ends)
