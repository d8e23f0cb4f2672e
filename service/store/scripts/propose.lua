-- Keep a deed that a second person must approve, with its audit entry.
-- ARGV     id, digest of who and what, the deed (JSON), by, the person (by, in small letters), open for (ms), kept for
--          (ms), how many may be open, then details of the audit entry (name, value ...)
-- Returns  the id; that of an earlier one if the same person proposed the same and it is still open. 0: too many are.
local id, same = ARGV[1], P .. 'proposed:' .. ARGV[2]
local now, open_ms, kept_ms = now_ms(), tonumber(ARGV[6]), tonumber(ARGV[7])
local earlier = redis.call('GET', same)
if earlier and redis.call('HGET', P .. 'approval:' .. earlier, 'state') == 'open' then return earlier end
local key, all = P .. 'approval:' .. id, P .. 'approvals'
if redis.call('EXISTS', key) == 1 then return id end
local open = 0
for _, each in ipairs(redis.call('ZRANGEBYSCORE', all, whole(now - open_ms), '+inf')) do
  if redis.call('HGET', P .. 'approval:' .. each, 'state') == 'open' then open = open + 1 end
end
if open >= tonumber(ARGV[8]) then return 0 end

redis.call('HSET', key, 'state', 'open', 'deed', ARGV[3], 'by', ARGV[4], 'person', ARGV[5], 'at', whole(now),
  'expires', whole(now + open_ms))
redis.call('PEXPIRE', key, whole(kept_ms))
redis.call('SET', same, id, 'PX', whole(open_ms))
redis.call('ZREMRANGEBYSCORE', all, '-inf', whole(now - kept_ms))
redis.call('ZADD', all, whole(now), id)
redis.call('PEXPIRE', all, whole(kept_ms))
local entry = {}
for each = 9, #ARGV do entry[#entry + 1] = ARGV[each] end
if REQUEST ~= '' then
  entry[#entry + 1] = 'request'
  entry[#entry + 1] = REQUEST
end
redis.call('XADD', P .. 'audit', '*', 'action', 'approval_proposed', 'actor', ARGV[4], 'approval', id, unpack(entry))
return id
