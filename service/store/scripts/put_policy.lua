-- Store a site's policy as its next version.
-- KEYS[1]  policies  HASH version -> policy (JSON)
-- KEYS[2]  audit     STREAM
-- ARGV     version it becomes, policy (JSON), actor, name
-- Returns  1, or 0 when another change came first.
-- Version 1 is the default that nobody stored.
if redis.call('HLEN', KEYS[1]) + 2 ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
audit(KEYS[2], 'policy_changed', ARGV[3], '', {}, '', {'policy', ARGV[4] .. '@' .. ARGV[1]})
return 1
