-- Store the first API key, if there is none yet.
-- KEYS     HASH key id -> record (JSON); SET of the sites that begin with blind audits; STRING: the first key may operate
-- ARGV     key id, record, site that begins with them ('' : none)
-- Returns  1 if it was stored, 0 if there are keys already.
if redis.call('HLEN', KEYS[1]) > 0 then return 0 end
if ARGV[3] ~= '' then redis.call('SADD', KEYS[2], ARGV[3]) end
redis.call('SET', KEYS[3], '1')
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
