-- Remove ids from the index of an author, because they are erased or have expired.
-- ARGV     author, id...
-- Returns  how many were removed.
return redis.call('ZREM', P .. 'author:' .. ARGV[1], unpack(ARGV, 2))
