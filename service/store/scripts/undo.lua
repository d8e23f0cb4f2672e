-- Undo a moderator's last decision, vote or escalation. The comment is leased to that moderator again, or escalated
-- again if it was escalated before. The label is retracted. The site is told, unless the event was still held
-- back; then the event is deleted.
-- ARGV     id, moderator, version ('' : any), undo window (ms), lease_ms, role (''), batch (''), terms of strikes (see
--          strikes.lua)
-- Returns  {outcome, item, content, appeal}; outcome is ok, duplicate, not_yours, window_closed, expired, stale or gone.
local id, moderator, key = ARGV[1], ARGV[2], item_key(ARGV[1])
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.undone == item.version and (item.state == 'leased' and item.owner == moderator
  or item.state == 'escalated' and item.undone_by == moderator) then
  return answer('duplicate', id, item)
end
if ARGV[3] ~= '' and item.version ~= ARGV[3] then return answer('stale', id, item) end
local votes = item.state == 'queued' and item.vote
local escalates = item.state == 'escalated' and item.escalated_by
if not (item.state == 'decided' or votes or escalates) then return answer('stale', id, item) end
if (votes and item.voter or escalates or item.moderator) ~= moderator then return answer('not_yours', id, item) end
-- An audit that agreed did not change the automatic decision, but it is a label too, and can be undone.
if item.state == 'decided' and item.decided_by ~= 'moderator' and item.kind ~= 'audit' then
  return answer('not_yours', id, item)
end
local now = now_ms()
local at = votes and item.vote_at or escalates and item.escalated or item.decided
if now - tonumber(at) > tonumber(ARGV[4]) then return answer('window_closed', id, item) end
if redis.call('EXISTS', text_key(id, item.revision)) == 0 then return answer('expired', id, item) end

local was, cancelled = item.state, false
redis.call('PERSIST', key) -- the first write takes no memory
redis.call('PERSIST', text_key(id, item.revision))
redis.call('PERSIST', P .. 'callback:' .. id)
redis.call('PERSIST', P .. 'appeal:' .. id)
redis.call('PERSIST', notes_key(id))
local since = unlist(id, item) or item.queued or now
local decided_version = item.version
local escalation = item.state == 'decided' and item.before_escalation and cmsgpack.unpack(item.before_escalation)
local renoticed = {}
local struck, terms = false, cmsgpack.unpack(ARGV[8])
bump(item)
if item.state == 'decided' then
  -- Correct the statistics of the hour in which it was decided.
  local verdict = item.status == 'approved' and 'approve' or 'reject'
  count(tonumber(item.decided), 'decision:' .. verdict, -1)
  count(tonumber(item.decided), 'moderator:' .. moderator, -1)
  if item.vote then
    count(tonumber(item.decided), 'agreed', -1)
    count(tonumber(item.decided), 'votes:' .. verdict .. ':' .. verdict, -1)
  end
  local came_at = tonumber(item.queued)
  if item.answered or item.kind == 'audit' and item.inclusion then -- or from before answers were noted
    reopen_draw(id, item, verdict, came_at)
    unset(id, item, 'answered')
  else
    count_judged(came_at, item, item.before_status, verdict, -1)
  end
  if item.before_status ~= 'pending' and not item.learning then
    count(tonumber(item.decided), item.before_status == item.status and 'upheld' or 'overturned', -1)
  end
  if item.kind == 'audit' then -- the moderator has seen the automatic decision, so the audit is no longer blind
    set(id, item, 'kind', 'review', 'why', 'reopened')
  end
  local author = author_of(redis.call('GET', text_key(id, item.revision)))
  if item.before_status ~= item.status then
    tally(author, item.status, item.before_status, tonumber(item.decided), tonumber(item.before_decided) or now,
      tally_life(0))
  end
  if author and (item.before_strike or terms.trust) then
    struck = {author = author, what = 'undo', reason = ''}
    local gone = item.before_strike and put_strike(author, id, item.before_strike, terms, now)
    if gone == '' and item.before_strike ~= '' then -- an approval had taken a strike back
      struck.what, struck.reason = 'reject', read_strike(item.before_strike).reason
    end
  end
  restore_said(item.prints, item.before_harmless)
  if item.reports then settle_reports(id, 'o') end
  renoticed = reopen_notices(id, item, decided_version)
  if item.complaint and string.match(item.complaint, ' (%d+)$') == decided_version then
    unset(id, item, 'complaint')
    renoticed[#renoticed + 1] = 'complaint'
    renoticed[#renoticed + 1] = 'open'
  end
  item.status, item.decided_by = item.before_status, item.before_by
  if item.before_rejected then
    local version, shown = string.match(item.before_rejected, '^(%d*) (%d*)$')
    for name, value in pairs({rejected_version = version, scores_shown = shown}) do
      if value ~= '' then set(id, item, name, value) else unset(id, item, name) end
    end
  end
  if item.before_decided ~= '' then
    set(id, item, 'decided', item.before_decided)
  else
    unset(id, item, 'decided')
  end
end
if votes then
  item.against = string.gsub(item.against, '\n' .. string.gsub(moderator, '%W', '%%%0') .. '\n', '\n', 1)
  set(id, item, 'against', item.against)
  unset(id, item, 'vote', 'voter', 'vote_request', 'vote_at', 'vote_label')
end
local label = votes and item.vote_label or item.label
if label and not escalates then
  redis.call('XDEL', P .. 'labels', label)
  -- Retract it for clients that have read it already.
  redis.call('XADD', P .. 'labels', '*', 'id', id, 'revision', item.revision, 'version', item.version,
    'decision', '', 'reason', '', 'labels', '{}', 'actor', moderator, 'source', 'undone', 'weight', '0', 'retracts', label)
end
unset(id, item, 'request', 'moderator', 'reason', 'note', 'label', 'event', 'held_until',
  'before_status', 'before_by', 'before_decided', 'before_harmless', 'before_rejected', 'before_escalation', 'before_strike',
  'escalated_by')
item.state = escalation and 'escalated' or 'leased'
set(id, item, 'state', item.state, 'version', item.version, 'status', item.status, 'decided_by', item.decided_by,
  'undone', item.version, 'due', item.due or whole(now))
if escalation then
  local fields = {'undone_by', moderator}
  for name, value in pairs(escalation) do
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  set(id, item, unpack(fields))
  redis.call('ZADD', P .. 'escalated', item.escalated, id)
else
  local token, ends, held = redis.call('INCR', P .. 'token'), now + tonumber(ARGV[5]), P .. 'held:' .. moderator
  set(id, item, 'token', token, 'owner', moderator, 'claimed', now, 'until', whole(ends))
  redis.call('ZADD', P .. 'lease', ends, id)
  redis.call('ZADD', held, ends, id)
end
redis.call('ZADD', P .. 'waiting', since, id)

if item.event then
  local q = P .. 'out:q:' .. id
  if now < tonumber(item.held_until) then
    cancelled = true
    redis.call('XDEL', P .. 'events', item.event)
    local last = redis.call('LINDEX', q, -1)
    if last and version_of(last) == decided_version then
      redis.call('RPOP', q)
      if redis.call('EXISTS', q) == 0 then redis.call('ZREM', P .. 'out:due', id) end
    end
  end
end
audit('undone', moderator, id, item, was,
  as_who({'mode', (cancelled or not item.event) and 'cancelled' or 'compensated'}, ARGV[6], ARGV[7]))
count(now, 'undone')
if struck then
  local deed = {what = struck.what, reason = struck.reason, comment = id, moderator = moderator}
  weigh_after(struck.author, deed, terms, now)
end
if cancelled or not item.event then
  happened('undone', id, item, {'moderator', moderator})
else
  renoticed[#renoticed + 1] = 'moderator'
  renoticed[#renoticed + 1] = moderator
  tell('decision.reverted', 'undone', id, item, now, 0, renoticed)
end
return answer('ok', id, item)
