-- Save a filter of the list under a name that is free.
--   filters              HASH name in small letters -> filter (JSON), for the whole site
--   filters:<moderator>  the same of one moderator
-- ARGV     moderator ('': for the whole site), name in small letters, filter (JSON), how many there may be
-- Returns  'ok', 'taken' when there is another one of this name, or 'full'. Saving the same once more is 'ok'.
local key = ARGV[1] == '' and P .. 'filters' or P .. 'filters:' .. ARGV[1]
local kept = redis.call('HGET', key, ARGV[2])
if kept then return kept == ARGV[3] and 'ok' or 'taken' end
if redis.call('HLEN', key) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', key, ARGV[2], ARGV[3])
return 'ok'
