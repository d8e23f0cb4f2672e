-- Store what the watch knows of a site's promises, unless another process was faster.
-- ARGV     version that it was read at (0: there was none), the new state (JSON)
-- Returns  1, or 0 if another process stored a newer one.
local key = P .. 'watch'
if (redis.call('HGET', key, 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', key, 'version', whole(tonumber(ARGV[1]) + 1), 'state', ARGV[2])
return 1
