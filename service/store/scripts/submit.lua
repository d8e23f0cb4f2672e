-- Record a comment with its automatic decision; queue it when a person must look.
-- KEYS[1]  item      HASH the comment's state
-- KEYS[2]  text      prefix of STRING <revision> -> what was sent and judged
-- KEYS[3]  ready     ZSET id -> due time (ms)
-- KEYS[4]  lease     ZSET id -> lease end (ms)
-- KEYS[5]  escalated ZSET id -> escalation time (ms)
-- KEYS[6]  waiting   ZSET id -> time queued (ms), whatever its state in the queue
-- KEYS[7]  held      prefix of ZSET <moderator>: ids that moderator holds
-- KEYS[8]  audit     STREAM
-- KEYS[9]  stat      prefix of HASH <hour>
-- ARGV     site, id, digest of the text, decision, status, why, priority, sla_ms, attributes, article, section,
--          content, text ttl (s), most that may wait, actor, model, policy
-- Returns  {outcome, item as a flat list, content}; outcome is created, revised, exists, full or erased.
--          What was just recorded is not sent back: the caller has it.
-- Keeps:   a comment that waits is in exactly one of ready, lease and escalated, and in waiting; no other is.
local site, id, digest, decision, status = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local content, ttl = ARGV[12], tonumber(ARGV[13])
local was = fetch(KEYS[1])
if was.state == 'erased' then return {'erased', redis.call('HGETALL', KEYS[1]), false} end
if was.digest == digest then
  return {'exists', redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[2] .. was.revision)}
end
local waits = was.state == 'queued' or was.state == 'leased' or was.state == 'escalated'
if status == 'pending' and not waits and redis.call('ZCARD', KEYS[6]) >= tonumber(ARGV[14]) then
  return {'full', {}, false}
end

local now = now_ms()
local item = {state = status == 'pending' and 'queued' or 'decided',
  revision = tostring((tonumber(was.revision) or 0) + 1), version = tostring((tonumber(was.version) or 0) + 1)}
-- The first write takes memory, so that a full Redis refuses here, before anything has changed (see prelude.lua).
redis.call('SET', KEYS[2] .. item.revision, content)
if waits then
  -- The author edited while it waited: the earlier revision is withdrawn, its lease is void.
  for key = 3, 6 do redis.call('ZREM', KEYS[key], id) end
  if was.owner then redis.call('ZREM', KEYS[7] .. was.owner, id) end
  redis.call('DEL', KEYS[2] .. was.revision)
  audit(KEYS[8], 'withdrawn', ARGV[15], id, item, was.state)
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'digest', digest, 'revision', item.revision, 'version', item.version,
  'state', item.state, 'decision', decision, 'status', status, 'decided_by', 'model', 'article', ARGV[10],
  'section', ARGV[11], 'attributes', ARGV[9], 'created', was.created or now)
if status == 'pending' then
  local due = now + tonumber(ARGV[8])
  redis.call('HSET', KEYS[1], 'why', ARGV[6], 'priority', ARGV[7], 'due', string.format('%.0f', due))
  redis.call('ZADD', KEYS[3], due, id)
  redis.call('ZADD', KEYS[6], now, id)
  announce(site, 'queued', id)
else
  redis.call('EXPIRE', KEYS[2] .. item.revision, ttl)
  redis.call('HSET', KEYS[1], 'decided', now)
  redis.call('EXPIRE', KEYS[1], ttl + 7 * 86400)
  if waits then announce(site, 'decided', id) end
end
audit(KEYS[8], 'submitted', ARGV[15], id, item, was.state,
  {'decision', decision, 'model', ARGV[16], 'policy', ARGV[17]})
count(KEYS[9], now, 'automatic:' .. decision)
return {was.revision and 'revised' or 'created', redis.call('HGETALL', KEYS[1]), false}
