-- Store the next version of a word list, and delete its oldest versions.
--   lists           HASH name -> current version
--   list:<name>     HASH version -> entries, as store/lists.py packs them
--   list:<name>:by  HASH version -> when (ms), a blank, and what else is known of the change (JSON)
-- ARGV     name, new version, content, what is known of the version (JSON with its `bytes`), how many lists there
--          may be, how many versions of one, how many bytes all of them together, actor for the audit trail ('': no
--          entry), details of the entry...
-- Returns  'ok', 'changed' when another change came first, or 'full' when there are too many lists.
-- A deleted list that can still be restored keeps its version numbers, so a number never gets another content.
local name, becomes, most, most_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[6]), tonumber(ARGV[7])
local lists, list = P .. 'lists', P .. 'list:' .. name
local by = list .. ':by'
local newest = 0
for _, version in ipairs(redis.call('HKEYS', by)) do newest = math.max(newest, tonumber(version)) end
if newest + 1 ~= becomes then return 'changed' end
if redis.call('HEXISTS', lists, name) == 0 and redis.call('HLEN', lists) >= tonumber(ARGV[5]) then return 'full' end
redis.call('HSET', list, becomes, ARGV[3])
redis.call('HSET', by, becomes, whole(now_ms()) .. ' ' .. ARGV[4])
redis.call('HSET', lists, name, becomes)
redis.call('PERSIST', list)
redis.call('PERSIST', by)
local bytes = #ARGV[3]
for version = newest, 1, -1 do
  local known = redis.call('HGET', by, version)
  if not known then break end
  bytes = bytes + cjson.decode(string.match(known, ' (.*)')).bytes
  if version <= becomes - most or (version < newest and bytes > most_bytes) then
    redis.call('HDEL', list, version)
    redis.call('HDEL', by, version)
  end
end
if ARGV[8] ~= '' then audit('list_changed', ARGV[8], '', {}, '', {unpack(ARGV, 9)}) end
return 'ok'
