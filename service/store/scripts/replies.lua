-- Replies to a comment around an instant, in the order in which they were first recorded.
-- ARGV     id of the comment that they answer, instant (ms), id of the reply that was recorded then ('' : none), how many
--          before it, how many from it on (1 at least)
-- Returns  {how many are kept, how many of them lie before it, id, when (ms), id, when (ms)...}
local key = P .. 'replies:' .. ARGV[1]
local before = redis.call('ZRANK', key, ARGV[3]) or redis.call('ZCOUNT', key, '-inf', '(' .. ARGV[2])
local first, last = math.max(0, before - ARGV[4]), before + ARGV[5] - 1
return {redis.call('ZCARD', key), before, unpack(redis.call('ZRANGE', key, first, last, 'WITHSCORES'))}
