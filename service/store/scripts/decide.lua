-- Write a moderator's decision, its label, its audit entry and its event in one step; exactly one decision wins.
-- ARGV     id, moderator, token ('' : without a lease), revision ('' : any), verdict, reason, labels (JSON), digest of
--          the request, '1' if the caller may decide without a lease ('2': except escalated comments), label text
--          ttl (s), note, version ('' : any), hold (ms), '1' if an audit that disagrees changes the decision,
--          role of the moderator (''), batch that the decision belongs to (''), terms of strikes (see strikes.lua),
--          the reason in words (JSON by language, ''), '1' if the moderator saw scores before the decision, the site's
--          macro that was applied ('')
-- Returns  {outcome, item, content, appeal}; outcome is ok, duplicate, conflict, stale, superseded, escalated, own,
--          reserved (for somebody else, and no lease), gone.
-- Keeps:   each version has one decision, one audit entry, one label and at most one event, or none of them.
-- Checks the token, not the clock: a late decision counts if nobody else has leased the comment since.
local id, moderator, token, verdict, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[6]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if ARGV[4] ~= '' and item.revision ~= ARGV[4] then return answer('superseded', id, item) end
-- The digest covers the moderator and the lease, so only a repeated request after a lost reply matches.
local request = ARGV[8]
if item.request == request or item.vote_request == request then return answer('duplicate', id, item) end
if item.state == 'decided' then return answer('conflict', id, item) end
if item.state == 'escalated' then
  if ARGV[9] ~= '1' or verdict == 'escalate' then return answer('escalated', id, item) end
elseif token ~= '' then
  if item.owner ~= moderator or item.token ~= token then return answer('stale', id, item) end
elseif ARGV[9] == '0' or item.version ~= ARGV[12] or (item.state ~= 'queued' and item.owner ~= moderator) then
  return answer('stale', id, item) -- without a lease: the version must be named, and nobody else may hold it
end
if ARGV[12] ~= '' and item.version ~= ARGV[12] then return answer('stale', id, item) end
-- Nobody may judge an appeal against their own decision, or vote twice.
if item.against and string.find(item.against, '\n' .. moderator .. '\n', 1, true) then return answer('own', id, item) end

local now, was = now_ms(), item.state
if was == 'queued' and token == '' and is_reserved_for_another(item, moderator, now) then
  return answer('reserved', id, item)
end
local before = was == 'escalated' and escalation_of(item)
local more = {'decision', verdict, 'reason', reason, 'token', token}
local saw_scores = ARGV[19] == '1' and item.kind ~= 'audit'
if verdict == 'reject' then -- what a statement of reasons tells: how the comment came here, and what stood before
  for _, pair in ipairs({{'why', item.why}, {'automatic', item.decision}, {'before', item.status},
    {'reports', item.reports}, {'scores_shown', saw_scores and '1' or nil}}) do
    if pair[2] and pair[2] ~= '' then
      more[#more + 1] = pair[1]
      more[#more + 1] = pair[2]
    end
  end
end
as_who(more, ARGV[15], ARGV[16])
if ARGV[20] ~= '' then
  more[#more + 1] = 'macro'
  more[#more + 1] = ARGV[20]
end
if ARGV[11] ~= '' then -- the note is stored with the comment, where it can be erased
  more[#more + 1] = 'noted'
  more[#more + 1] = '1'
end
if item.claimed then
  more[#more + 1] = 'handling_ms'
  more[#more + 1] = whole(now - tonumber(item.claimed))
end
local content = redis.call('GET', text_key(id, item.revision))
add_judgement(more, content)

local since = unlist(id, item)
bump(item)

local function label(source, kind)
  local entry = {'id', id, 'revision', item.revision, 'version', item.version, 'decision', verdict, 'reason', reason,
    'labels', ARGV[7], 'actor', moderator, 'source', source, 'weight', '1'}
  if is_open_draw(item) and not item.sampler then
    entry[#entry + 1] = 'inclusion'
    entry[#entry + 1] = item.inclusion
  end
  if item.learning then -- also a later label of the revision: it exists because the revision was drawn
    entry[#entry + 1] = 'learning_inclusion'
    entry[#entry + 1] = item.learning
  end
  count(now, 'moderator:' .. moderator)
  return redis.call('XADD', P .. 'labels', '*', unpack(entry))
end
-- Until when (Unix s) the text of a label is kept, and all that is needed to find and erase it.
item.labelled = whole(now / 1000 + tonumber(ARGV[10]))

local function escalate(action, by)
  item.state = 'escalated'
  set(id, item, 'state', 'escalated', 'version', item.version, 'escalated', now)
  unset(id, item, 'token', 'owner', 'claimed', 'until', 'undone')
  redis.call('ZADD', P .. 'escalated', now, id)
  redis.call('ZADD', P .. 'waiting', since or now, id)
  audit(action, by, id, item, was, more)
  happened('escalated', id, item, {'moderator', by})
end

local function remember(...)
  set(id, item, 'request', request, 'moderator', moderator, 'reason', reason, 'note', ARGV[11], ...)
end

if verdict == 'escalate' then
  remember('escalated_by', moderator)
  escalate('escalated', moderator)
  count(now, 'decision:escalate')
  return answer('ok', id, item)
end

local status = verdict == 'approve' and 'approved' or 'rejected'
local doubled = item.double == 'drawn' or (item.double == 'rejects' and verdict == 'reject')
if doubled and not item.vote and was ~= 'escalated' then
  -- The first of two independent verdicts: store it as a vote and ask somebody else.
  item.state = 'queued'
  item.against = (item.against or '\n') .. moderator .. '\n'
  unset(id, item, 'token', 'owner', 'claimed', 'until', 'undone')
  set(id, item, 'state', 'queued', 'version', item.version, 'vote', verdict, 'voter', moderator,
    'vote_request', request, 'vote_label', label('vote'), 'vote_at', now, 'against', item.against,
    'labelled', item.labelled)
  redis.call('ZADD', P .. 'ready', item.due, id)
  redis.call('ZADD', P .. 'waiting', since or now, id)
  audit('voted', moderator, id, item, was, more)
  happened('released', id, item)
  return answer('ok', id, item)
end
if item.vote and was ~= 'escalated' then
  count(now, item.vote == verdict and 'agreed' or 'disagreed')
  count(now, 'votes:' .. item.vote .. ':' .. verdict)
end
if item.vote and item.vote ~= verdict and was ~= 'escalated' then
  -- The two disagree, so a third person decides.
  remember('against', (item.against or '\n') .. moderator .. '\n', 'labelled', item.labelled)
  label('vote')
  escalate('disagreed', moderator)
  return answer('ok', id, item)
end

-- The state before, so that an undo can restore it.
local agrees, blind = item.status == status, item.kind == 'audit'
local fields = {'request', request, 'moderator', moderator, 'reason', reason, 'note', ARGV[11],
  'before_status', item.status, 'before_by', item.decided_by, 'before_decided', item.decided or '',
  'queued', since or now, 'label', label(blind and (item.sampler or 'audit') or 'moderator'), 'labelled', item.labelled}
if is_open_draw(item) then
  answer_draw(id, item, verdict, since or now, now)
  fields[#fields + 1] = 'answered'
  fields[#fields + 1] = verdict
else
  count_judged(since or now, item, item.status, verdict)
end
-- Comments that were drawn because they are doubtful would raise the share of changed decisions.
if item.status ~= 'pending' and not item.learning then count(now, agrees and 'upheld' or 'overturned') end
if blind and not agrees and ARGV[14] ~= '1' then
  -- This label stays, whatever the next one says. The next one is no audit, because its author knows the decision.
  set(id, item, 'judged', 1, 'kind', 'review', 'against', (item.against or '\n') .. moderator .. '\n',
    unpack(fields))
  unset(id, item, 'inclusion', 'drawn', 'answered', 'sampler')
  escalate('audit_disagreed', moderator)
  return answer('ok', id, item)
end
-- An escalation ends the double review. An undo of this decision restores the escalation.
if was == 'escalated' then
  fields[#fields + 1] = 'before_escalation'
  fields[#fields + 1] = before
  unset(id, item, 'double', 'vote')
elseif item.before_escalation then
  unset(id, item, 'before_escalation')
end
local is_spam = verdict == 'reject' and (reason == 'spam' or cjson.decode(ARGV[7]).spam == true)
local before_harmless = say_of_copies(item.prints, verdict == 'approve' and HARMLESS or is_spam and SPAM or nil)
if before_harmless then
  fields[#fields + 1] = 'before_harmless'
  fields[#fields + 1] = before_harmless
end
local author = content and author_of(content)
if not agrees then
  tally(author, item.status, status, tonumber(item.decided) or now, now, tally_life(tonumber(ARGV[10])))
end
if verdict == 'reject' then
  -- For a statement of reasons: whether scores were seen, and which rejection it is about, whatever comes after.
  for _, pair in ipairs({{'before_rejected', (item.rejected_version or '') .. ' ' .. (item.scores_shown or '')},
    {'rejected_version', not agrees and item.version or nil}, {'scores_shown', saw_scores and '1' or nil}}) do
    if pair[2] then
      fields[#fields + 1] = pair[1]
      fields[#fields + 1] = pair[2]
    end
  end
  if item.scores_shown and not saw_scores then unset(id, item, 'scores_shown') end
elseif item.before_rejected then
  unset(id, item, 'before_rejected')
end
local upholds = agrees and blind -- an audit that changes nothing: no event, unless it answers notices
local by = upholds and item.decided_by or 'moderator'
item.state, item.status, item.decided_by = 'decided', status, by
audit('decided', moderator, id, item, was, more)
count(now, 'decision:' .. verdict)
if item.reports then -- this decision covers all reports so far; later reports count anew
  fields[#fields + 1] = 'reports_judged'
  fields[#fields + 1] = item.reports
  fields[#fields + 1] = 'halved_judged'
  fields[#fields + 1] = item.halved or '0'
  settle_reports(id, verdict == 'reject' and 'u' or 'd')
end
local told = answer_notices(id, item, verdict == 'reject' and 'restricted' or 'kept', now, false)
if item.appealed == item.revision and not item.complaint then -- it decides the author's appeal, which is told, too
  local outcome = verdict == 'reject' and 'upheld' or 'reversed'
  set(id, item, 'complaint', outcome .. ' ' .. whole(now) .. ' ' .. item.version)
  told[#told + 1] = 'complaint'
  told[#told + 1] = outcome
end
if upholds and #told == 0 then
  happened('decided', id, item, {'moderator', moderator})
  unset(id, item, 'event', 'held_until')
else
  local hold_ms = tonumber(ARGV[13])
  for _, value in ipairs({'decision', verdict, 'reason', reason, 'moderator', moderator}) do told[#told + 1] = value end
  if ARGV[18] ~= '' then
    told[#told + 1] = 'reason_texts'
    told[#told + 1] = ARGV[18]
  end
  fields[#fields + 1] = 'event'
  fields[#fields + 1] = tell('decision.created', 'decided', id, item, now, hold_ms, told)
  fields[#fields + 1] = 'held_until'
  fields[#fields + 1] = whole(now + hold_ms)
end
-- An audit that upholds a rejection is no strike: who is drawn must not fare worse.
local terms, is_weighed = cmsgpack.unpack(ARGV[17]), false
if item.before_strike then unset(id, item, 'before_strike') end
if author and not upholds then
  local weight = verdict == 'reject' and terms.weight or 0
  local strike = weight > 0 and whole(now) .. ' ' .. whole(weight) .. ' ' .. reason or ''
  local before_strike = put_strike(author, id, strike, terms, now)
  if strike ~= '' or before_strike ~= '' then
    fields[#fields + 1] = 'before_strike'
    fields[#fields + 1] = before_strike
    is_weighed = true
  end
  is_weighed = is_weighed or (verdict == 'approve' and terms.trust)
end
settle(id, item, status, by, now, tonumber(ARGV[10]), fields)
if is_weighed then
  weigh_after(author, {what = verdict, reason = reason, comment = id, moderator = moderator}, terms, now)
end
return answer('ok', id, item)
