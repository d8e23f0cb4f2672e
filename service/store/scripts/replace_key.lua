-- Put another record in the place of an API key's, if nobody has changed or revoked it meanwhile.
-- KEYS[1]  HASH key id -> record (JSON)
-- ARGV     key id, record as it was read, record that it becomes
-- Returns  1, or 0 when it was another one.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
