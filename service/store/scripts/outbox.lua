-- Statistics of the outbox: pending events and dead letters.
-- Returns  {comments with events, dead letters, age of the oldest event that is overdue (ms; -1: none)}
local now = now_ms()
local first = redis.call('ZRANGEBYSCORE', P .. 'out:due', '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
return {redis.call('ZCARD', P .. 'out:due'), redis.call('ZCARD', P .. 'out:dead'), first[2] and now - first[2] or -1}
