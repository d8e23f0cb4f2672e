-- Store a site's policy as its next version.
-- ARGV     new version, policy (JSON), actor, name
-- Returns  1, or 0 when another change came first.
-- Version 1 is the default, which is not stored. Versions before the newest may be lost (recovery.py).
local key, newest = P .. 'policies', 1
for _, version in ipairs(redis.call('HKEYS', key)) do newest = math.max(newest, tonumber(version)) end
if newest + 1 ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', key, ARGV[1], ARGV[2])
redis.call('HSET', P .. 'policies:by', ARGV[1], whole(now_ms()) .. ' ' .. ARGV[3])
audit('policy_changed', ARGV[3], '', {}, '', {'policy', ARGV[4] .. '@' .. ARGV[1]})
return 1
