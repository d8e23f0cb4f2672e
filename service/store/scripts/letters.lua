-- Dead letters in the order in which they died.
-- ARGV     score and member of the last letter seen ('' and '' at the beginning), how many
-- Returns  {member, score, letter (JSON)}...
-- If that letter has been removed, reading continues at its millisecond: a letter may be repeated, but none is skipped.
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
