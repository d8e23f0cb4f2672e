-- Store a sample of the length and age of the queue among the counters of the hour, at most once per interval.
-- ARGV     minutes between two samples
-- Returns  1, or 0 if there is a sample already.
local now, every_ms = now_ms(), tonumber(ARGV[1]) * 60000
local key = P .. 'stat:' .. math.floor(now / 3600000)
local field = 'waiting@' .. whole(math.floor(now / every_ms) * every_ms / 1000)
if redis.call('HEXISTS', key, field) == 1 then return 0 end
local oldest = redis.call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
redis.call('HSET', key, field, redis.call('ZCARD', P .. 'waiting') .. ' ' .. whole(oldest[2] and now - oldest[2] or 0))
if redis.call('TTL', key) == -1 then redis.call('EXPIRE', key, 62 * 86400) end
return 1
