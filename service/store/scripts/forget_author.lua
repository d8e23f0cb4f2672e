-- Take ids out of what an author wrote: they are erased, or were forgotten.
-- ARGV     author, id...
-- Returns  how many were there.
return redis.call('ZREM', P .. 'author:' .. ARGV[1], unpack(ARGV, 2))
