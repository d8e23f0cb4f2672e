-- Decides by the rules that need what Redis counts. Stands behind facts.lua.
--
-- `rules`, from service/store/asked.py, is a map:
--   asks       {{what, parameters...}...}: the facts that open rules need (see facts_of in facts.lua)
--   elsewhere  the same facts of the other shards, added up; '' with one shard
--   names      the name of each fact, under which it is kept with the comment
--   asked      fingerprints to count for each kind of duplicate: kind -> {fingerprint...}
--   open       {{action, is on, overrides, sla_ms, expression, label ('' : none), id}...}: rules that are not decided yet
--   known      {rejects, reviews, overrides, approves, is unavailable}: what rules that are decided ask for
--   fired      how many reasons are in ARGV[3]: of rules that hold, and of those that cannot be decided
--   ids        ids of the decided rules that hold and are on
--   model      the decision of the model
--   sla_ms     until a review that a decided rule asks for is due (false: none)
--   outcomes   decision -> {decision, status, why, priority, sla_ms, attributes, double, inclusion, share, double
--              of what is most urgent}
--   decision_at  the position of the decision in the content
--   has_statuses  whether what a status needs is here: its reasons behind those of open rules, and all outcomes
--   rates, prints, window_s  what to count of this comment
--   author_sla_ms  until a review is due that a status asks for
--   heated     the outcome of a review if the article or the section is heated, and the model would have approved
--              (false: it is approved all the same)
local DECISIONS = {approve = 0, review = 1, reject = 2} -- as in packing.py
-- The reasons of an author's status stand behind those of the open rules, and those of the article's and the section's
-- status behind these, in this order.
local STATUSES = {banned = 1, muted = 2, premoderated = 3, trusted = 4}
local PLACES = {article_closed = 5, article_premoderated = 6, article_heated = 7, section_closed = 8,
  section_premoderated = 9, section_heated = 10}
local MOST_URGENT_MS = 15 * 60000 -- as in attention.py
local MOST_AUDITED = 20 -- rules that an audit entry names

local function sum(mine, others)
  if others == false or others == nil then return mine end
  if mine == false then return others end
  return mine + others
end

local function earliest(mine, others)
  if not mine or not others then return mine or others end
  return math.min(mine, others)
end

local holds
-- tests/service/store/test_rules.py compares this with service.rules in Python.
local function holds_leaf(e, facts, state)
  local what = e[1]
  if what == 'new' then
    local seen = facts[e[2]]
    return not seen or state.now - seen < e[3] * 1000
  end
  if what == 'approved_below' then return (facts[e[2]] or 0) < e[3] end
  if what == 'rejected_share_above' then
    local approved, rejected = facts[e[2]] or 0, facts[e[3]] or 0
    return approved + rejected > 0 and rejected / (approved + rejected) > e[4]
  end
  if what == 'rejected_at_least' then return (facts[e[2]] or 0) >= e[3] end
  if what == 'status' then
    for i = 2, #e do if e[i] == state.status then return true end end
    return false
  end
  if what == 'count_above' then return (facts[e[2]] or 0) + 1 > e[3] end
  error('no condition of ours: ' .. tostring(what))
end

holds = function(e, facts, state)
  local what = e[1]
  if what == 'not' then return not holds(e[2], facts, state) end
  if what == 'all' then
    for i = 2, #e do if not holds(e[i], facts, state) then return false end end
    return true
  end
  if what == 'any' then
    for i = 2, #e do if holds(e[i], facts, state) then return true end end
    return false
  end
  return holds_leaf(e, facts, state)
end

-- The status that a key holds now; nil if there is none, or it has ended by itself.
local function status_at(key, now)
  local found = redis.call('HMGET', key, 'status', 'until')
  local ends = tonumber(found[2] or '') or 0
  if not found[1] or (ends > 0 and ends <= now) then return nil end
  return found[1]
end

local function status_of(author, now)
  return author ~= '' and status_at(P .. 'status:' .. author, now) or 'active'
end

local function add_place(found, kind, name, now)
  local status = name ~= '' and status_at(P .. kind .. ':' .. name, now)
  if status and status ~= 'open' then found[#found + 1] = kind .. '_' .. status end
end

-- The statuses in force of an article and of a section, as names of PLACES.
local function statuses_of_places(article, section, now)
  local found = {}
  add_place(found, 'article', article, now)
  add_place(found, 'section', section, now)
  return found
end

-- The decision, as most_severe in service/values/rules.py: {action, by, rows, count, applied, facts, sla_ms, labels, ids}.
-- `places`: as statuses_of_places answers. nil: there is a status, and what it needs was not sent.
local function apply_rules(rules, id, author, places, sent, now)
  local state = {now = now, status = status_of(author, now)}
  if not rules.has_statuses and (state.status ~= 'active' or #places > 0) then return nil end
  look_up(rules.prints)
  local facts = facts_of(rules.asks, {id = id, author = author, prints = rules.asked}, now)
  if rules.elsewhere ~= '' then
    for at, ask in ipairs(rules.asks) do
      local combine = ask[1] == 'seen' and earliest or sum
      facts[at] = combine(facts[at], rules.elsewhere[at])
    end
  end
  local rejects, reviews, overrides, approves, is_unavailable = unpack(rules.known)
  local sla_ms, rows, applied, labels, ids = rules.sla_ms, {sent[3]}, {}, {}, {unpack(rules.ids)}
  local function ask_for(action, does_override, its_sla_ms)
    if action == 'reject' then rejects = true end
    if action == 'review' or action == 'premoderate' then
      reviews = true
      if its_sla_ms and (not sla_ms or its_sla_ms < sla_ms) then sla_ms = its_sla_ms end
    end
    if action == 'approve' then
      approves = true
      overrides = overrides or does_override
    end
  end
  local function apply(number)
    rows[#rows + 1] = sent[3 + number]
    applied[#applied + 1] = number
  end
  for number, rule in ipairs(rules.open) do
    if holds(rule[5], facts, state) then
      apply(number)
      if rule[2] then
        ask_for(rule[1], rule[3], rule[4])
        labels[#labels + 1] = rule[6]
        ids[#ids + 1] = rule[7]
      end
    end
  end
  local place = STATUSES[state.status]
  if place then
    apply(#rules.open + place)
    local action = ({'reject', 'reject', 'review', 'approve'})[place]
    ask_for(action, false, rules.author_sla_ms)
    table.insert(ids, 1, 'author_' .. state.status)
  end
  local model = rules.model
  for _, each in ipairs(places) do
    local is_closed, is_heated = string.find(each, '_closed$'), string.find(each, '_heated$')
    if not is_heated or (rules.heated and rules.model == 'approve') then
      apply(#rules.open + PLACES[each])
      table.insert(ids, 1, each)
    end
    if is_heated and rules.heated and rules.model == 'approve' then
      model, rules.outcomes.review = 'review', rules.heated
    elseif not is_heated then
      ask_for(is_closed and 'reject' or 'review', false, rules.author_sla_ms)
    end
  end
  local action = model
  if rejects then
    action = 'reject'
  elseif model ~= 'reject' or overrides then
    if is_unavailable or reviews then
      action = 'review'
    elseif approves then
      action = 'approve'
    end
  end
  local by_rule = action ~= model and action ~= 'review'
  if action ~= 'review' or not reviews then sla_ms = nil end
  -- Of two reasons for a review the more urgent one counts.
  local of_model = model == 'review' and tonumber(rules.outcomes.review[5])
  if sla_ms and of_model and of_model < sla_ms then sla_ms = of_model end
  local named = {status = state.status}
  for at, fact in ipairs(facts) do named[rules.names[at]] = fact end
  return {action = action, by = by_rule and 'rule' or 'model', rows = table.concat(rows),
    count = rules.fired + #applied, applied = applied, facts = cmsgpack.pack(named), sla_ms = sla_ms,
    labels = labels, ids = ids}
end

-- The attributes of a comment, as a list between commas, with the labels of rules.
local function with_labels(attributes, labels)
  local found = ',' .. attributes .. ','
  for _, label in ipairs(labels) do
    if label ~= '' and not string.find(found, ',' .. label .. ',', 1, true) then
      attributes = attributes .. (attributes ~= '' and ',' or '') .. label
      found = ',' .. attributes .. ','
    end
  end
  return attributes
end

-- The content with the decision, and behind it the reasons of rules and the facts that they used (packing.py reads them).
local function with_reasons(content, decision_at, ruled)
  local count = ruled.count
  local header = count < 16 and string.char(0x90 + count)
    or string.char(0xdc, math.floor(count / 256), count % 256)
  return string.char(0x93) .. string.sub(content, 2, decision_at - 1) .. string.char(DECISIONS[ruled.action])
    .. string.sub(content, decision_at + 1) .. string.char(0x92) .. header .. ruled.rows .. ruled.facts
end
