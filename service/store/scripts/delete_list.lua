-- Delete a word list. Its versions can be restored until they expire.
-- ARGV     name, version that this deletion counts as, what is known of it (JSON with its `bytes`), how long the
--          versions are kept (s), actor for the audit trail ('': no entry), details of the entry...
-- Returns  'ok', or 'changed' if another change came first.
local list = P .. 'list:' .. ARGV[1]
local by = list .. ':by'
local newest = 0
for _, version in ipairs(redis.call('HKEYS', by)) do newest = math.max(newest, tonumber(version)) end
if newest + 1 ~= tonumber(ARGV[2]) then return 'changed' end
redis.call('HDEL', P .. 'lists', ARGV[1])
redis.call('HSET', by, ARGV[2], whole(now_ms()) .. ' ' .. ARGV[3])
redis.call('EXPIRE', list, ARGV[4])
redis.call('EXPIRE', by, ARGV[4])
if ARGV[5] ~= '' then audit('list_deleted', ARGV[5], '', {}, '', {unpack(ARGV, 6)}) end
return 'ok'
