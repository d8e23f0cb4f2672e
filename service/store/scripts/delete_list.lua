-- Delete a word list. Its versions can be restored until they expire.
-- ARGV     name, version that this deletion counts as, what is known of it (JSON with its `bytes`), how long the
--          versions are kept (s), version of the policy whose rules do not name it ('': not compared), of a list that
--          all sites share how often rules came to name one before their policies were looked at ('': not compared),
--          actor for the audit trail ('': no entry), details of the entry...
-- Returns  'ok', 'changed' if another change came first, 'policy' if a policy may have changed since it was looked at,
--          or 'naming' while rules that name it are stored.
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
if ARGV[6] ~= '' then
  if (redis.call('GET', P .. 'named') or '0') ~= ARGV[6] then return 'policy' end
  local announced = redis.call('HVALS', P .. 'naming')
  for _, each in ipairs(announced) do
    local till, names = string.match(each, '^(%d+) (.*)$')
    for _, name in ipairs(cjson.decode(names)) do
      if name == ARGV[1] and tonumber(till) > now_ms() then return 'naming' end
    end
  end
end
redis.call('HDEL', P .. 'lists', ARGV[1])
redis.call('HSET', by, ARGV[2], whole(now_ms()) .. ' ' .. ARGV[3])
redis.call('EXPIRE', list, ARGV[4])
redis.call('EXPIRE', by, ARGV[4])
if ARGV[7] ~= '' then audit('list_deleted', ARGV[7], '', {}, '', {unpack(ARGV, 8)}) end
return 'ok'
