-- Record a comment with its automatic decision; queue it when a person must look, or when it was drawn for a blind
-- audit of that decision.
-- ARGV[1]  one MessagePack array, because every argument by itself costs Redis and us more than it costs to unpack them:
--          id, digest of the text, decision, status, why ('' : nobody need look), priority, sla_ms, attributes, article,
--          section, text ttl (s), most that may wait, actor, model, policy, language, decided by,
--          double review ('', 'drawn', 'rejects'), inclusion probability of an audit (''), callback URL (''),
--          label text ttl (s), author to find it by ('' : none), for how long (s), share
--          of such decisions that is drawn for audit ('' : none), attribute and score that decided (''),
--          author for status and counts (''), rules ('' : none that need Redis; see rules.lua), what to count where no
--          rule applies unless a limit is passed ('' : nothing; see watched_prints in facts.lua),
--          the comment's draw in [0, 1) ('' : no audits), most audits a day in this shard ('' : any number),
--          how long at least the text of a rejected comment is kept (s), whether it may be drawn to learn from ('' : no;
--          see drawn_to_learn in draws.lua), id of the comment that it answers ('' : none)
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
local sla_ms = tonumber(ARGV[7]) or 3600000 -- as of what is reopened (SOON_MS in attention.py)
local was = read_item(id)
if was.state == 'erased' then return answer('erased', id, was) end
if was.digest and string.sub(was.digest, 1, 24) == digest then return answer('exists', id, was) end -- older ones are longer
local author, rules, watch, now = ARGV[26], ARGV[27], ARGV[28], now_ms()
local ruled, index_left_s, watched, new
if rules ~= '' then
  ruled = apply_rules(rules, id, author, statuses_of_places(ARGV[9], ARGV[10], now), sent, now)
  if not ruled then return {'ask'} end
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
elseif watch ~= '' then
  if ARGV[22] ~= '' then index_left_s = redis.call('TTL', author_key(ARGV[22])) end
  local is_new = index_left_s == -2
  watched = watched_prints(watch)
  if passes_a_limit(watch, watched, is_new, id, now) then return {'ask'} end
  new = is_new and watch[2] or 0
end
local waits = was.state == 'queued' or was.state == 'leased' or was.state == 'escalated'
if status == 'rejected' then ttl = math.max(ttl, ARGV[31] or 0) end -- its author may complain
local drawing
ARGV[24], drawing = share_now(ARGV[24], ARGV[30], now, 'drawing')
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
local sampler, learned
if (ARGV[32] or '') ~= '' and why == '' and inclusion == '' then learned = drawn_to_learn(ARGV[32], ARGV[29], now) end
if learned then -- it comes to people like an audit, and nothing tells the two apart before the answer
  why, sampler, audited, inclusion = 'audit', 'learning', true, learned.share
  ARGV[6], sla_ms, ARGV[18] = '0.5', tonumber(ARGV[32][5]), ''
end
local waiting = why ~= '' and redis.call('ZCARD', P .. 'waiting') or 0
if why ~= '' and not waits and waiting >= tonumber(ARGV[12]) then
  if status == 'pending' then return {'full'} end
  why, audited = '', false -- drawn, and nobody will answer: counted as lost
end

local item = {state = why ~= '' and 'queued' or 'decided', status = status, decided_by = ARGV[17],
  revision = whole((tonumber(was.revision) or 0) + 1), version = whole(tonumber(was.version) or 0),
  callback = (ARGV[20] ~= '' or was.callback) and '1' or nil}
-- The first write takes memory, so that a full Redis refuses here, before anything has changed.
if why ~= '' then
  redis.call('SET', text_key(id, item.revision), content)
else
  redis.call('SET', text_key(id, item.revision), content, 'EX', whole(ttl))
end
local assignee, assigned
if waits then
  -- The author edited while it waited: the earlier revision is withdrawn, its lease is void.
  bump(item)
  assignee, assigned = was.assignee, was.assigned
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
  local answered = earlier and parent_of(earlier)
  if answered and answered ~= ARGV[33] then redis.call('ZREM', P .. 'replies:' .. answered, id) end
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
  remember_author(id, ARGV[22], now, life_s, index_left_s)
  count_author(ARGV[22], now, life_s)
end
if ARGV[33] ~= '' then remember_reply(id, ARGV[33], was.created or now, now, life_s) end
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
elseif watch ~= '' then
  prints, rates, window_s = watched, watched_rates(watch), watch[1]
end
count_comment(id, rates, prints, window_s, now, new)
local fields = {'digest', digest, 'revision', item.revision, 'version', item.version, 'state', item.state,
  'decision', decision, 'status', status, 'created', was.created or whole(now)}
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
put('noticed', was.noticed or '')
put('prints', #prints > 0 and cmsgpack.pack(prints) or '')
if was.prints or was.earlier then put('earlier', earlier_prints(id, was, prints)) end
if was.notes then
  put('notes', was.notes)
  if why ~= '' then redis.call('PERSIST', notes_key(id)) else redis.call('EXPIRE', notes_key(id), ttl) end
end
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
    put('sampler', sampler or '')
    put('learning', sampler and inclusion or '')
    put('drawn', whole(now))
    put('decided', whole(now))
  end
  if assignee then -- to the same moderator again
    put('assignee', assignee)
    put('assigned', assigned)
    put('reserved', reserved_until(tonumber(assigned), now + sla_ms))
    list_assigned(id, assignee, now + sla_ms)
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('ZADD', P .. 'ready', whole(now + sla_ms), id)
  redis.call('ZADD', P .. 'waiting', whole(now), id)
  if status == 'pending' then
    tell('comment.queued', 'queued', id, item, now, 0)
  else -- the site has its answer already, and an audit changes nothing of it yet
    happened('queued', id, item, {'status', 'pending', 'decided_by', 'model'}) -- to consoles it looks like any other
  end
else
  put('decided', whole(now))
  redis.call('HSET', key, unpack(fields))
  redis.call('EXPIRE', key, whole(outlives(was, now, ttl)))
  item.noticed = was.noticed
  local told = status == 'rejected' and answer_notices(id, item, 'restricted', now, true)
  if waits or (was.status and was.status ~= status) then
    tell('decision.created', 'decided', id, item, now, 0, told or nil)
  end
end
local more = {'decision', decision, 'model', ARGV[14], 'policy', ARGV[15]}
if ARGV[25] ~= '' then
  more[#more + 1] = 'score'
  more[#more + 1] = ARGV[25]
end
if audited then
  more[#more + 1] = sampler and 'learning_inclusion' or 'inclusion'
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
  if learned then
    note_learning(ARGV[32], learned.drawing, now)
    count(now, 'learning:' .. decision)
  elseif drawing then
    note_drawing(drawing, 'drawing')
  end
  record_draw(id, item.revision, {decision, inclusion, ARGV[25], ARGV[16], ARGV[14], ARGV[15], ARGV[17]}, now,
    tonumber(ARGV[21]), sampler)
  if not audited then
    lose_draw(id, {decision = decision, inclusion = inclusion, drawn = now, revision = item.revision, kind = 'audit',
      sampler = sampler}, 'queue_full', now)
  end
end
if doubted then return answer('exists', id, read_item(id)) end
if was.noticed and item.state == 'decided' and redis.call('ZSCORE', P .. 'noticed', id) then
  -- Readers gave notice of it before its author edited it, and nobody has decided: a person must.
  reopen(id, read_item(id), 'reported', 'reader', now, 3600000)
  return answer('exists', id, read_item(id))
end
return {was.revision and 'revised' or 'created', tonumber(item.revision), tonumber(item.version), now,
  tonumber(was.created or now), why ~= '' and waiting + (waits and 0 or 1) or 0,
  ruled and {ruled.action, ruled.by, ruled.applied, ruled.facts, sla_ms} or nil}
