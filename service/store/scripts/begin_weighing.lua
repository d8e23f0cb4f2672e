-- Begin to weigh the strikes of an author in all shards: called before the other shards are read. Runs in the author's
-- shard.
-- ARGV     author
-- Returns  the number of this weighing. weigh.lua refuses it if a later one has begun, which has read all that this one
--          has, or if the author was erased.
local number = redis.call('INCR', P .. 'token')
redis.call('SET', P .. 'weighing:' .. ARGV[1], number, 'EX', 3600)
return number
