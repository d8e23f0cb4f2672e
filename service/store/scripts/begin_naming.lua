-- Announce that the rules of a site come to name lists that all sites share, so that these are not deleted meanwhile.
--   naming       HASH token -> until when it counts (ms), a blank, and the names (JSON)
-- ARGV     token, how long it counts (ms), names...
-- Returns  'ok', or the names of the lists that are not there.
local naming, gone, names = P .. 'naming', {}, {}
for each = 3, #ARGV do
  names[#names + 1] = ARGV[each]
  if redis.call('HEXISTS', P .. 'lists', ARGV[each]) == 0 then gone[#gone + 1] = ARGV[each] end
end
if #gone > 0 then return gone end
redis.call('HSET', naming, ARGV[1], whole(now_ms() + tonumber(ARGV[2])) .. ' ' .. cjson.encode(names))
redis.call('PEXPIRE', naming, ARGV[2])
return 'ok'
