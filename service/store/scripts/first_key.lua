-- Store the first API key, if there is none yet.
-- KEYS[1]  HASH key id -> record (JSON)
-- ARGV     key id, record
-- Returns  1 if it was stored, 0 if there are keys already.
if redis.call('HLEN', KEYS[1]) > 0 then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
