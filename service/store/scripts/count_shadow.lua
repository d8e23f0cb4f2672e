-- Add a batch to what a model in shadow would have done on one day. A repeated batch changes nothing.
-- ARGV     digest of the model, day (of Unix time), ttl (s), sender, number of the batch, its ttl (s),
--          then champion LF was LF would, count...
-- Keeps    shadow:<digest>:<day>  HASH <champion> LF <was> LF <would> -> number of comments
--          shadowed:<digest>:<day>:<sender>  STRING number of the last batch
local key = P .. 'shadow:' .. ARGV[1] .. ':' .. ARGV[2]
local last = P .. 'shadowed:' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[4]
if tonumber(redis.call('GET', last) or 0) >= tonumber(ARGV[5]) then return 0 end
redis.call('SET', last, ARGV[5], 'EX', tonumber(ARGV[6]))
for i = 7, #ARGV, 2 do
  redis.call('HINCRBY', key, ARGV[i], tonumber(ARGV[i + 1]))
end
redis.call('EXPIRE', key, tonumber(ARGV[3]))
return 1
