-- Delete a word list. Its versions can be restored until they expire.
-- ARGV     name, version that this deletion counts as, what is known of it (JSON with its `bytes`), how long the
--          versions are kept (s), version of the policy whose rules do not name it ('': not compared), actor for the
--          audit trail ('': no entry), details of the entry...
-- Returns  'ok', 'changed' if another change came first, or 'policy' if the policy has another version.
local list = P .. 'list:' .. ARGV[1]
local by = list .. ':by'
local newest = 0
for _, version in ipairs(redis.call('HKEYS', by)) do newest = math.max(newest, tonumber(version)) end
if newest + 1 ~= tonumber(ARGV[2]) then return 'changed' end
if ARGV[5] ~= '' then
  local policy = 1
  for _, version in ipairs(redis.call('HKEYS', P .. 'policies')) do policy = math.max(policy, tonumber(version)) end
  if policy ~= tonumber(ARGV[5]) then return 'policy' end
end
redis.call('HDEL', P .. 'lists', ARGV[1])
redis.call('HSET', by, ARGV[2], whole(now_ms()) .. ' ' .. ARGV[3])
redis.call('EXPIRE', list, ARGV[4])
redis.call('EXPIRE', by, ARGV[4])
if ARGV[6] ~= '' then audit('list_deleted', ARGV[6], '', {}, '', {unpack(ARGV, 7)}) end
return 'ok'
