-- Record the decisions of a batch before they are made, so that they can be undone together.
-- ARGV     batch, life (s), how many it may hold, {id, version that the decision makes}...
-- Returns  1, or 0 if there would be too many; then nothing is recorded.
local key, names = P .. 'batch:' .. ARGV[1], {}
for i = 4, #ARGV, 2 do names[#names + 1] = ARGV[i] end
if redis.call('HLEN', key) + #names > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', key, unpack(ARGV, 4))
redis.call('EXPIRE', key, ARGV[2])
return 1
