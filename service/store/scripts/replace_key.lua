-- Replace the record of an API key, unless it was changed or revoked meanwhile.
-- KEYS[1]  HASH key id -> record (JSON)
-- ARGV     key id, record as it was read, new record
-- Returns  1, or 0 if the record was changed or revoked.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
