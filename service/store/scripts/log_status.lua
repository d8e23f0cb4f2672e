-- Note a change of an author's status, in the site's first shard.
-- ARGV     author, version, the change (JSON), how many are kept
-- Returns  1; 0 when another change has this version or a later one.
local key = P .. 'statuses:' .. ARGV[1]
local newest = redis.call('LINDEX', key, 0)
if newest and cjson.decode(newest).version >= tonumber(ARGV[2]) then return 0 end
redis.call('LPUSH', key, ARGV[3])
redis.call('LTRIM', key, 0, tonumber(ARGV[4]) - 1)
return 1
