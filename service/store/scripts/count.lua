-- Add a batch to the usage of a key in one month. A repeated batch changes nothing.
-- ARGV     key id, month, ttl (s), most places, name for further places, sender, number of the batch, its ttl (s),
--          then place, figure, count...
-- Keeps    usage:<key>:<month>  HASH <figure>:<place> -> count, and <places>: -> number of places
--          counted:<key>:<month>:<sender>  STRING number of the last batch
local figures = P .. 'usage:' .. ARGV[1] .. ':' .. ARGV[2]
local last = P .. 'counted:' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[6]
if tonumber(redis.call('GET', last) or 0) >= tonumber(ARGV[7]) then return 0 end
redis.call('SET', last, ARGV[7], 'EX', tonumber(ARGV[8]))
for i = 9, #ARGV, 3 do
  local place, figure = ARGV[i], ARGV[i + 1]
  if redis.call('HEXISTS', figures, 'seen:' .. place) == 0 then
    local places = tonumber(redis.call('HGET', figures, 'places:') or 0)
    if places >= tonumber(ARGV[4]) then
      place = ARGV[5]
    else
      redis.call('HSET', figures, 'seen:' .. place, 1, 'places:', places + 1)
    end
  end
  redis.call('HINCRBY', figures, figure .. ':' .. place, tonumber(ARGV[i + 2]))
end
redis.call('EXPIRE', figures, tonumber(ARGV[3]))
return 1
