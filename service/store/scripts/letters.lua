-- Dead letters in the order in which they died.
-- ARGV     where to go on: score and member of the last letter seen ('' and '' for the first), how many
-- Returns  {member, score, letter (JSON)}...
-- A letter that is gone leaves the cursor at the first of its millisecond: one may be shown twice, none is passed over.
local dead, start = P .. 'out:dead', 0
if ARGV[2] ~= '' then
  local rank = redis.call('ZRANK', dead, ARGV[2])
  start = rank and rank + 1 or redis.call('ZCOUNT', dead, '-inf', '(' .. ARGV[1])
end
local found, flat = {}, redis.call('ZRANGE', dead, start, start + tonumber(ARGV[3]) - 1, 'WITHSCORES')
for i = 1, #flat, 2 do
  local letter = redis.call('HGET', P .. 'out:letters', flat[i])
  if letter then found[#found + 1] = {flat[i], flat[i + 1], letter} end
end
return found
