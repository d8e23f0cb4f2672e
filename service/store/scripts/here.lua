-- Note that a page of the queue is open, and tell which others are.
--   here     ZSET  page (JSON) -> until when it counts without saying so again (ms)
-- ARGV     page, for how long it counts (ms), how many are told at most
-- Returns  the pages
local key, now = P .. 'here', now_ms()
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
redis.call('ZADD', key, whole(now + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', key, ARGV[2])
return redis.call('ZRANGE', key, 0, ARGV[3] - 1)
