-- Write a moderator's decision, its label and its audit entry in one step; exactly one decision wins.
-- KEYS[1]  item       HASH
-- KEYS[2]  text       prefix of STRING <revision>
-- KEYS[3]  ready      ZSET id -> due time (ms)
-- KEYS[4]  lease      ZSET id -> lease end (ms)
-- KEYS[5]  escalated  ZSET id -> escalation time (ms)
-- KEYS[6]  waiting    ZSET id -> time queued (ms)
-- KEYS[7]  held       ZSET of this moderator: id -> lease end (ms)
-- KEYS[8]  audit      STREAM
-- KEYS[9]  labels     STREAM
-- KEYS[10] stat       prefix of HASH <hour>
-- ARGV     site, id, moderator, token, revision, verdict, reason, labels (JSON), digest of the request,
--          '1' if the caller may decide what was escalated, label text ttl (s), note
-- Returns  {outcome, item as a flat list, content}; outcome is ok, duplicate, conflict, stale, superseded, escalated, gone.
-- Keeps:   for one version at most one decision, one audit entry and one label, or none of them.
-- The token decides, not the clock: a late decision counts as long as nobody else was offered the comment.
local site, id, moderator, token, verdict = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[6]
local item = fetch(KEYS[1])
local function answer(outcome)
  return {outcome, redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[2] .. item.revision)}
end
if not item.state or item.state == 'erased' then return {'gone', {}, false} end
if ARGV[5] ~= '' and item.revision ~= ARGV[5] then return answer('superseded') end
if item.request == ARGV[9] and item.moderator == moderator and item.final_token == token then return answer('duplicate') end
if item.state == 'decided' then return answer('conflict') end
if item.state == 'escalated' then
  if ARGV[10] ~= '1' or verdict == 'escalate' then return answer('escalated') end
elseif token == '' or item.owner ~= moderator or item.token ~= token then
  return answer('stale')
end

local now, was = now_ms(), item.state
item.version = tostring(tonumber(item.version) + 1)
redis.call('ZREM', KEYS[3], id)
redis.call('ZREM', KEYS[4], id)
redis.call('ZREM', KEYS[5], id)
redis.call('ZREM', KEYS[7], id)
redis.call('HSET', KEYS[1], 'version', item.version, 'moderator', moderator, 'final_token', token, 'request', ARGV[9])
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'reason', ARGV[7]) end
if ARGV[12] ~= '' then redis.call('HSET', KEYS[1], 'note', ARGV[12]) end
local more = {'decision', verdict, 'reason', ARGV[7], 'token', token}
if item.claimed then
  more[#more + 1] = 'handling_ms'
  more[#more + 1] = string.format('%.0f', now - tonumber(item.claimed))
end
redis.call('HDEL', KEYS[1], 'token', 'owner', 'claimed', 'until')

if verdict == 'escalate' then
  item.state = 'escalated'
  redis.call('HSET', KEYS[1], 'state', 'escalated')
  redis.call('ZADD', KEYS[5], now, id)
else
  item.state = 'decided'
  local ttl = tonumber(ARGV[11])
  redis.call('HSET', KEYS[1], 'state', 'decided', 'decided', now, 'decided_by', 'moderator',
    'status', verdict == 'approve' and 'approved' or 'rejected')
  redis.call('ZREM', KEYS[6], id)
  redis.call('EXPIRE', KEYS[1], ttl + 7 * 86400)
  redis.call('EXPIRE', KEYS[2] .. item.revision, ttl)
  redis.call('XADD', KEYS[9], '*', 'id', id, 'revision', item.revision, 'version', item.version,
    'decision', verdict, 'reason', ARGV[7], 'labels', ARGV[8], 'actor', moderator, 'source', 'moderator', 'weight', '1')
  count(KEYS[10], now, 'moderator:' .. moderator)
end
audit(KEYS[8], verdict == 'escalate' and 'escalated' or 'decided', moderator, id, item, was, more)
count(KEYS[10], now, 'decision:' .. verdict)
announce(site, item.state, id)
return answer('ok')
