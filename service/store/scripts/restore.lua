-- After a loss of Redis: restore the states of comments from the exported audit trail; texts are lost. Comments that
-- are here already are newer, and stay as they are.
-- ARGV     least token of the next lease, then for each comment a MessagePack array: id, revision, version, state, status,
--          decision, decided by, created (ms), decided (ms, ''), erased (ms, ''), moderator, reason, ttl (s),
--          '1' if it waited ('')
-- Returns  {how many were restored, how many of them waited}.
local restored, waited = 0, 0
for n = 2, #ARGV do
  local id, revision, version, state, status, decision, by, created, decided, erased, moderator, reason, life_s, lost =
    unpack(cmsgpack.unpack(ARGV[n]))
  local key = item_key(id)
  if redis.call('EXISTS', key) == 0 then
    local fields = {'revision', revision, 'version', version, 'state', state, 'status', status, 'decision', decision,
      'decided_by', by, 'created', created}
    for name, value in pairs({decided = decided, erased = erased, moderator = moderator, reason = reason, lost = lost}) do
      if value ~= '' then
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
    end
    redis.call('HSET', key, unpack(fields))
    redis.call('EXPIRE', key, life_s)
    restored = restored + 1
    if lost ~= '' then waited = waited + 1 end
  end
end
-- The token of a lease from before must not be valid for a new lease.
if tonumber(redis.call('GET', P .. 'token') or '0') < tonumber(ARGV[1]) then redis.call('SET', P .. 'token', ARGV[1]) end
return {restored, waited}
