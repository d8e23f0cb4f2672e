-- Appeal against a rejection: the comment is queued again, for a moderator who did not reject it.
-- ARGV     id, text of the appeal, sla_ms, most that may wait, how long after the rejection one may appeal (ms; 0: ever)
-- Returns  {outcome, item, content, appeal}; outcome is ok, duplicate, not_rejected, appealed, late, expired, full or gone.
local id = ARGV[1]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.appealed == item.revision then
  return answer(item.state == 'decided' and 'appealed' or 'duplicate', id, item)
end
if item.status ~= 'rejected' then return answer('not_rejected', id, item) end
local now, until_ms = now_ms(), tonumber(ARGV[5])
if until_ms > 0 and item.decided and now - tonumber(item.decided) > until_ms then return answer('late', id, item) end
if redis.call('EXISTS', text_key(id, item.revision)) == 0 then return answer('expired', id, item) end
local waits = item.state ~= 'decided'
if not waits and redis.call('ZCARD', P .. 'waiting') >= tonumber(ARGV[4]) then return answer('full', id, item) end
redis.call('SET', P .. 'appeal:' .. id, ARGV[2]) -- takes memory: a full Redis refuses here
set(id, item, 'appealed', item.revision, 'appealed_at', now)
item.appealed = item.revision
if waits then -- drawn for an audit of its rejection: it now waits as an appeal, whose answer is that of the audit too
  set(id, item, 'why', 'appeal', 'kind', 'review')
  audit('appealed', 'author', id, item, item.state)
  if item.state == 'queued' then hurry(id, item, now + tonumber(ARGV[3])) end
  return answer('ok', id, item)
end
reopen(id, item, 'appeal', 'author', now, tonumber(ARGV[3]))
return answer('ok', id, item)
