-- Keep the first API key, if there is none yet.
-- KEYS[1]  HASH key id -> record (JSON)
-- ARGV     key id, record
-- Returns  1 when it was kept, 0 when there already are keys.
if redis.call('HLEN', KEYS[1]) > 0 then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
