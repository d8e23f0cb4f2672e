-- Record a comment with its automatic decision; queue it when a person must look, or when it was drawn for a blind
-- audit of that decision.
-- ARGV[1]  one MessagePack array, because every argument by itself costs Redis and us more than it costs to unpack them:
--          id, digest of the text, decision, status, why ('' : nobody need look), priority, sla_ms, attributes, article,
--          section, text ttl (s), most that may wait, actor, model, policy, language, decided by,
--          double review ('', 'drawn', 'rejects'), inclusion probability of an audit (''), callback URL (''),
--          label text ttl (s), author to find it by ('' : none), for how long (s), share
--          of such decisions that is drawn for audit ('' : none), attribute and score that decided (''),
--          author for status and counts (''), rules ('' : none that need Redis; see rules.lua), what to count where no
--          rule applies unless one of its limits is passed ('' : nothing): {limits, rates, fingerprints, window (s)},
--          the comment's draw in [0, 1) ('' : no audits), most audits a day in this shard ('' : any number),
--          how long at least the text of a rejected comment is kept (s)
-- ARGV[2]  content
-- ARGV[3]  with rules: reasons that the caller knows already, packed one after the other, then a packed reason for each
--          open rule and for each status
-- Returns  {'created' or 'revised', revision, version, now, created, how many wait now, it among them, or 0} for what was
--          just recorded, and with rules also {decision, decided by, numbers of the reasons from ARGV[4] on that apply,
--          due time (ms)}: the caller has the rest; else {outcome, item, content, appeal}; outcome is full, erased, exists
--          (so also what waits because the text of a person's decision was lost), or ask: the author, the article or
--          the section has a status, or a limit is passed, so the caller must send rules.
local content, sent = ARGV[2], ARGV -- bytes, which cmsgpack does not know
local ARGV = cmsgpack.unpack(ARGV[1])
local id, digest, decision, status, why = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local ttl, key = tonumber(ARGV[11]), item_key(ARGV[1])
local sla_ms = tonumber(ARGV[7]) or 3600000 -- as of what is reopened (SOON_MS in policy.py)
local was = read_item(id)
if was.state == 'erased' then return answer('erased', id, was) end
if was.digest and string.sub(was.digest, 1, 24) == digest then return answer('exists', id, was) end -- older ones are longer
local author, rules, now, ruled = ARGV[26], ARGV[27], now_ms(), nil
if rules ~= '' then
  ruled = apply_rules(rules, id, author, statuses_of_places(ARGV[9], ARGV[10], now), sent, now)
  local outcome = rules.outcomes[ruled.action]
  local urgent_double
  decision, status, why, ARGV[6], sla_ms, ARGV[8], ARGV[18], ARGV[19], ARGV[24], urgent_double = unpack(outcome)
  ARGV[17], sla_ms = ruled.by, ruled.sla_ms or tonumber(sla_ms) or 3600000
  ARGV[8] = with_labels(ARGV[8], ruled.labels)
  if ARGV[18] == '' and sla_ms <= MOST_URGENT_MS then ARGV[18] = urgent_double end
  content = with_reasons(content, rules.decision_at, ruled)
elseif author ~= '' and (redis.call('HGET', P .. 'status:' .. author, 'status') or 'active') ~= 'active' then
  return {'ask'}
elseif #statuses_of_places(ARGV[9], ARGV[10], now) > 0 then
  return {'ask'}
elseif ARGV[28] ~= '' and passes_a_limit(ARGV[28][1], id, now) then
  return {'ask'}
end
local waits = was.state == 'queued' or was.state == 'leased' or was.state == 'escalated'
if status == 'rejected' then ttl = math.max(ttl, ARGV[31] or 0) end -- its author may complain
local drawing
ARGV[24], drawing = share_now(ARGV[24], ARGV[30], now)
if drawing and ARGV[19] ~= '' and ARGV[24] ~= ARGV[19] then -- fewer are drawn now than the policy says
  if ARGV[24] ~= '' and tonumber(ARGV[29]) < tonumber(ARGV[24]) then
    ARGV[19] = ARGV[24]
  else
    ARGV[19], why = '', ''
  end
end
local inclusion = ARGV[19]
local audited = inclusion ~= ''
-- A person's decision whose text was lost with Redis (restore.lua): whether this is the same text nobody knows, and the
-- model's answer must not take the place of another one of a person. Somebody looks again.
local doubted = was.state == 'decided' and was.moderator and not was.digest and was.status ~= status
if doubted then why, status, audited, inclusion, ARGV[17] = 'reopened', 'pending', false, '', 'model' end
local waiting = why ~= '' and redis.call('ZCARD', P .. 'waiting') or 0
if why ~= '' and not waits and waiting >= tonumber(ARGV[12]) then
  if status == 'pending' then return {'full'} end
  why, audited = '', false -- drawn, and nobody will answer: counted as lost
end

local item = {state = why ~= '' and 'queued' or 'decided', status = status, decided_by = ARGV[17],
  revision = tostring((tonumber(was.revision) or 0) + 1), version = tostring(tonumber(was.version) or 0),
  callback = (ARGV[20] ~= '' or was.callback) and '1' or nil}
-- The first write takes memory, so that a full Redis refuses here, before anything has changed.
if why ~= '' then
  redis.call('SET', text_key(id, item.revision), content)
else
  redis.call('SET', text_key(id, item.revision), content, 'EX', ttl)
end
if waits then
  -- The author edited while it waited: the earlier revision is withdrawn, its lease is void.
  bump(item)
  unlist(id, was)
  lose_draw(id, was, 'edited', now)
  local gone = {revision = was.revision, version = item.version, state = 'withdrawn', status = was.status,
    decided_by = was.decided_by, callback = was.callback}
  audit('withdrawn', ARGV[13], id, gone, was.state)
  tell('comment.withdrawn', 'withdrawn', id, gone, now, 0)
end
bump(item)
local wrote = ARGV[22] -- who wrote the revision before; the same author, where its text is not kept any more
if was.revision then
  local earlier = redis.call('GET', text_key(id, was.revision))
  if earlier then wrote = author_of(earlier) or '' end
  redis.call('DEL', key, P .. 'reports:' .. id, P .. 'reasons:' .. id, P .. 'appeal:' .. id)
  -- The text of a revision that somebody judged stays as long as its label.
  if was.moderator or was.judged or (was.against or '\n') ~= '\n' then
    if waits then redis.call('EXPIRE', text_key(id, was.revision), tonumber(ARGV[21])) end
  elseif waits then
    redis.call('DEL', text_key(id, was.revision))
  end
end
local life_s, decided_at = tonumber(ARGV[23]), tonumber(was.decided) or now
if ARGV[22] ~= '' then
  remember_author(id, ARGV[22], now, life_s)
  count_author(ARGV[22], now, life_s)
end
-- An edited comment counts once, for whoever wrote the newest revision.
if wrote == ARGV[22] then
  tally(wrote, was.status or '', status, decided_at, now, life_s)
else
  tally(wrote, was.status, '', decided_at, now, life_s)
  tally(ARGV[22], '', status, now, now, life_s)
end
local rates, prints, window_s = {}, {}, 0
if ruled then
  rates, prints, window_s = rules.rates, rules.prints, rules.window_s
elseif ARGV[28] ~= '' then
  rates, prints, window_s = unpack(ARGV[28], 2)
end
count_comment(id, rates, prints, window_s, now)
local fields = {'digest', digest, 'revision', item.revision, 'version', item.version, 'state', item.state,
  'decision', decision, 'status', status, 'created', was.created or now}
local function put(name, value)
  if value ~= '' then fields[#fields + 1] = name; fields[#fields + 1] = value end
end
-- What nearly all have in common is left out: a million of them may wait in memory.
put('decided_by', item.decided_by ~= 'model' and item.decided_by or '')
put('article', ARGV[9])
put('section', ARGV[10])
put('language', ARGV[16])
-- Audits match no attribute filter: among comments of one attribute their due time would reveal them.
put('attributes', audited and '' or ARGV[8])
put('labelled', was.labelled or '')
put('prints', #prints > 0 and cmsgpack.pack(prints) or '')
if item.callback then
  put('callback', '1')
  if ARGV[20] ~= '' then redis.call('SET', P .. 'callback:' .. id, ARGV[20]) end
  if why ~= '' then
    redis.call('PERSIST', P .. 'callback:' .. id)
  else
    redis.call('EXPIRE', P .. 'callback:' .. id, ttl)
  end
end
if why ~= '' then
  put('why', why)
  put('priority', doubted and '1' or ARGV[6])
  put('due', whole(now + sla_ms))
  put('double', ARGV[18])
  if doubted then put('against', '\n' .. was.moderator .. '\n') end
  if audited then
    put('kind', 'audit')
    put('inclusion', inclusion)
    put('drawn', now)
    put('decided', now)
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('ZADD', P .. 'ready', now + sla_ms, id)
  redis.call('ZADD', P .. 'waiting', now, id)
  if status == 'pending' then
    tell('comment.queued', 'queued', id, item, now, 0)
  else -- the site has its answer already, and an audit changes nothing of it yet
    happened('queued', id, item, {'status', 'pending', 'decided_by', 'model'}) -- to consoles it looks like any other
  end
else
  put('decided', now)
  redis.call('HSET', key, unpack(fields))
  redis.call('EXPIRE', key, outlives(was, now, ttl))
  if waits or (was.status and was.status ~= status) then tell('decision.created', 'decided', id, item, now, 0) end
end
local more = {'decision', decision, 'model', ARGV[14], 'policy', ARGV[15]}
if ARGV[25] ~= '' then
  more[#more + 1] = 'score'
  more[#more + 1] = ARGV[25]
end
if audited then
  more[#more + 1] = 'inclusion'
  more[#more + 1] = inclusion
end
if ruled and #ruled.ids > 0 then
  more[#more + 1] = 'rules'
  more[#more + 1] = table.concat(ruled.ids, ', ', 1, math.min(#ruled.ids, MOST_AUDITED))
  if ARGV[17] ~= 'model' then
    more[#more + 1] = 'decided_by'
    more[#more + 1] = ARGV[17]
  end
end
audit('submitted', ARGV[13], id, item, was.state, more)
-- By the share, so that what audits find can be weighted by the probability with which they were drawn.
count(now, 'automatic:' .. decision .. (ARGV[24] ~= '' and '@' .. ARGV[24] or ''))
if inclusion ~= '' then
  if drawing then note_drawing(drawing) end
  record_draw(id, item.revision, {decision, inclusion, ARGV[25], ARGV[16], ARGV[14], ARGV[15], ARGV[17]}, now,
    tonumber(ARGV[21]))
  if not audited then
    lose_draw(id, {decision = decision, inclusion = inclusion, drawn = now, revision = item.revision, kind = 'audit'},
      'queue_full', now)
  end
end
if doubted then return answer('exists', id, read_item(id)) end
return {was.revision and 'revised' or 'created', tonumber(item.revision), tonumber(item.version), now,
  tonumber(was.created or now), why ~= '' and waiting + (waits and 0 or 1) or 0,
  ruled and {ruled.action, ruled.by, ruled.applied, ruled.facts, sla_ms} or nil}
