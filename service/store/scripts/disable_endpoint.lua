-- Disable the endpoint after its receiver answered 410, until an administrator sets it again.
-- ARGV     url that answered
-- Returns  1, or 0 if the endpoint has changed meanwhile or is disabled already.
local key = P .. 'webhook'
if redis.call('HGET', key, 'url') ~= ARGV[1] then return 0 end
local changed = redis.call('HSETNX', key, 'disabled', whole(now_ms()))
if changed == 1 then audit('webhook_disabled', 'receiver', '', {}) end
return changed
