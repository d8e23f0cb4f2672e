-- Shared code: definitions, of which each script gets those that it uses. Scripts are safe to run twice.
--
-- KEYS[1] is the prefix of one shard, with its hash tag; every key is made from it, so all lie in one slot:
--   item:<id>        HASH  a comment's state                     ready       ZSET id -> due time (ms)
--   text:<id>:<rev>  STRING what was sent and judged             lease       ZSET id -> lease end (ms)
--   appeal:<id>      STRING what the author said against it      escalated   ZSET id -> escalation time (ms)
--   replies:<id>     ZSET  id of each reply to it -> time submitted (ms), in the shard of the reply
--   callback:<id>    STRING where the site wants to hear of it   waiting     ZSET id -> time queued (ms), any of these
--   reports:<id>     SET   who reported it (see reporters.lua)   held:<m>    ZSET id -> lease end, of one moderator
--   unknown:<id>     STRING exists once archives of labels were told of the erasure of a comment without a state
--   token            counter of leases                           skipped:<m> ZSET id -> until when not again (ms)
--   audit            STREAM what happened, for ever              labels      STREAM what people said of texts
--   events           STREAM what sites and consoles follow       stat:<hour> HASH counters
--   webhook          HASH  the site's own endpoint               out:due     ZSET id -> next attempt (ms)
--   out:q:<id>       LIST  events to be told, oldest first       author:<id> ZSET id -> time submitted (ms)
--   notes:<id>       LIST  moderators' notes on it (JSON), oldest first
--   notices:<id>     HASH  readers' notices about it (see notices.lua); noticed: ZSET of what has an open one
--   stuck            ZSET  id -> when (ms) a claim of it last ended without an answer, of what waits, from the fifth time on
--   here             ZSET  open page of the queue -> until when it counts (ms); expires
--   mentions:<m>     ZSET  'note comment' -> time (ms), of notes that name a moderator
--   assigned:<m>     ZSET  id -> due time when it was assigned (ms), of what waits and is assigned to one moderator
--   assignees        SET   moderators to whom something is assigned
-- Keeps: a comment that waits is in exactly one of ready, lease and escalated, and in waiting; no other is in any.
--
-- When memory is full, Redis refuses a script at its first write if that write takes memory, and lets a script that
-- has written go on. So what fills the queue begins with one that takes memory, and what drains it with one that
-- does not. Redis 7 is told which scripts may run when memory is full.
local P = KEYS[1]
-- The last argument of every script: the id of the current request, '' outside of one.
local REQUEST = table.remove(ARGV)

-- One clock for everybody: Redis's own, in Unix milliseconds.
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- A whole number as text: Lua writes large ones as 1.7e+12, and what Redis writes of a number that it is given takes it
-- many times as long.
local function whole(n) return string.format('%d', n) end

local function item_key(id) return P .. 'item:' .. id end
local function notes_key(id) return P .. 'notes:' .. id end
local function text_key(id, revision) return P .. 'text:' .. id .. ':' .. revision end

-- A comment's state, and all of it as the flat list that callers are answered with. What nearly all comments have in
-- common is not kept with each: a million of them may wait in memory.
local function read_item(id)
  local flat = redis.call('HGETALL', item_key(id))
  local item = {flat = flat}
  for i = 1, #flat, 2 do item[flat[i]] = flat[i + 1] end
  item.decided_by = item.decided_by or 'model'
  return item
end

-- Write fields of a comment's state, and take fields away. The answer hears of it too, where what comes later wins; that
-- saves reading all of it once more. Numbers are whole.
local function set(id, item, ...)
  redis.call('HSET', item_key(id), ...)
  local flat, more = item.flat, {...}
  for i = 1, #more do flat[#flat + 1] = more[i] end
end

local function unset(id, item, ...)
  redis.call('HDEL', item_key(id), ...)
  local flat = item.flat
  for _, name in ipairs({...}) do
    flat[#flat + 1] = name
    flat[#flat + 1] = false
  end
end

-- {outcome, item as a flat list, content of its revision, the author's appeal, moderators' notes if there are any}
local function answer(outcome, id, item)
  if #item.flat == 0 then return {outcome, item.flat, false, false} end
  return {outcome, item.flat, redis.call('GET', text_key(id, item.revision)),
    item.appealed and redis.call('GET', P .. 'appeal:' .. id) or false,
    item.notes and redis.call('LRANGE', notes_key(id), 0, -1) or nil}
end

-- Take a note that goes out of the lists of those whom it names.
local function unmention(id, note)
  for _, name in ipairs(note.mentions or {}) do redis.call('ZREM', P .. 'mentions:' .. name, note.id .. ' ' .. id) end
end

-- One audit entry for one transition. No comment text, no author (see authors.py): those must stay erasable.
local function audit(action, actor, id, item, from, more)
  if REQUEST ~= '' then
    more = more or {}
    more[#more + 1] = 'request'
    more[#more + 1] = REQUEST
  end
  redis.call('XADD', P .. 'audit', '*', 'action', action, 'actor', actor, 'comment', id,
    'revision', item.revision or '0', 'from', from or '', 'to', item.state or '', 'version', item.version or '0',
    unpack(more or {}))
end

-- For an audit entry: in which role somebody acted, and of which batch of many the deed was one; either may be ''.
local function as_who(more, role, batch)
  if role ~= '' then
    more[#more + 1] = 'role'
    more[#more + 1] = role
  end
  if batch ~= '' then
    more[#more + 1] = 'batch'
    more[#more + 1] = batch
  end
  return more
end

-- Counters by hour, so that statistics need no scan. Stored for 62 days.
local function count(now, field, by)
  local key = P .. 'stat:' .. whole(math.floor(now / 3600000))
  if redis.call('HINCRBY', key, field, by or '1') == 1 then redis.call('EXPIRE', key, 62 * 86400) end
end

-- A person's first answer to what the automatic step left open, counted in the hour in which the comment came (`at`),
-- beside all that came then. `status`: what stood before the answer.
local function count_judged(at, item, status, verdict, by)
  if item.decision == 'review' and status == 'pending' then count(at, 'judged:' .. verdict, by) end
end

-- Add an event of a comment to the feed and publish it to waiting requests of every process (a lost message only delays
-- them). Returns the id of the feed's entry.
local function happened(kind, id, item, more)
  local at = redis.call('XADD', P .. 'events', '*', 'kind', kind, 'comment', id, 'revision', item.revision,
    'version', item.version, 'state', item.state, unpack(more or {}))
  local site = string.match(P, '{([^.}]*)')
  redis.call('PUBLISH', 'cm:changes', site .. '\n' .. kind .. '\n' .. id)
  return at
end

-- The same, and notify the site: in the pull feed as `type`, and by webhook if there is an endpoint.
-- `hold_ms`: delay during which an undo removes the event before it is sent.
local function tell(type, kind, id, item, now, hold_ms, more)
  local data = {'type', type, 'status', item.status, 'decided_by', item.decided_by}
  for _, value in ipairs(more or {}) do data[#data + 1] = value end
  local at = happened(kind, id, item, data)
  if item.callback == '1' or redis.call('EXISTS', P .. 'webhook') == 1 then
    local event = {comment = id, revision = item.revision, version = item.version, at = whole(now),
      not_before = whole(now + hold_ms)}
    for i = 1, #data, 2 do event[data[i]] = data[i + 1] end
    -- One queue for each comment: its events leave in the order of their versions, one at a time.
    if redis.call('RPUSH', P .. 'out:q:' .. id, cjson.encode(event)) == 1 then
      redis.call('ZADD', P .. 'out:due', now + hold_ms, id)
    end
  end
  return at
end

-- The version that an event in a list of events is about; nil for what is no event.
local function version_of(event)
  local is_json, found = pcall(cjson.decode, event)
  return is_json and type(found) == 'table' and found.version or nil
end

-- For whom an assigned comment is reserved: for three quarters of the time that was left until it was due when it was
-- assigned, and for ten minutes at least. Then it is offered to everybody, first still to the one it is assigned to.
local LEAST_RESERVED_MS = 10 * 60000

local function reserved_until(assigned, due)
  return whole(assigned + math.max(LEAST_RESERVED_MS, (due - assigned) * 3 / 4))
end

local function is_reserved_for_another(item, moderator, now)
  return item.assignee and item.assignee ~= moderator and now < tonumber(item.reserved)
end

local function list_assigned(id, assignee, due)
  redis.call('ZADD', P .. 'assigned:' .. assignee, due, id)
  redis.call('SADD', P .. 'assignees', assignee)
end

local function unlist_assigned(id, assignee)
  redis.call('ZREM', P .. 'assigned:' .. assignee, id)
  if redis.call('EXISTS', P .. 'assigned:' .. assignee) == 0 then redis.call('SREM', P .. 'assignees', assignee) end
end

local function unassign(id, item)
  unlist_assigned(id, item.assignee)
  unset(id, item, 'assignee', 'assigned', 'reserved')
  item.assignee, item.assigned, item.reserved = nil, nil, nil
end

-- Make a queued comment due at `due`, if that is earlier.
local function hurry(id, item, due)
  due = math.min(tonumber(item.due), due)
  set(id, item, 'due', whole(due))
  redis.call('ZADD', P .. 'ready', due, id)
  if item.assignee then
    set(id, item, 'reserved', reserved_until(tonumber(item.assigned), due))
    redis.call('ZADD', P .. 'assigned:' .. item.assignee, due, id)
  end
end

local INDEX = {queued = 'ready', leased = 'lease', escalated = 'escalated'}

-- Remove a comment from the indexes of its state; then it is assigned to nobody. Returns since when it waited. Its writes
-- take no memory.
local function unlist(id, item)
  local since = redis.call('ZSCORE', P .. 'waiting', id)
  if not since then return since end
  redis.call('ZREM', P .. INDEX[item.state], id)
  redis.call('ZREM', P .. 'waiting', id)
  redis.call('ZREM', P .. 'stuck', id)
  if item.state == 'leased' and item.owner then redis.call('ZREM', P .. 'held:' .. item.owner, id) end
  if item.assignee then unassign(id, item) end
  return since
end

-- What is known of an escalation, so that an undo of the decision that follows can bring it back.
local ESCALATION = {'moderator', 'reason', 'note', 'request', 'escalated_by', 'vote', 'double'}

local function escalation_of(item)
  local kept = {}
  for _, name in ipairs(ESCALATION) do kept[name] = item[name] end
  return cmsgpack.pack(kept)
end

local function bump(item) item.version = whole(tonumber(item.version) + 1) end

-- How long (s) a comment's state is kept when its text is kept for `until_s`: longer than any text of it, also that of an
-- earlier revision which stays for its label (`labelled`: until when, Unix s). Who erases it must still find them.
local function outlives(item, now, until_s)
  return math.floor(math.max(until_s, (tonumber(item.labelled) or 0) - now / 1000)) + 7 * 86400
end

-- Behind a value that begins behind `at` bytes. cmsgpack knows no times, which packing.py writes as extensions.
local TIMES = {[0xd6] = 6, [0xd7] = 10, [0xc7] = 15}
local function skip_value(content, at)
  local time = TIMES[string.byte(content, at + 1)]
  return time and at + time or (cmsgpack.unpack_limit(content, 1, at))
end

-- The id of the author (1) or of the parent (3) in what is kept of a revision. As packing.py writes it: a byte that
-- begins the list, one that begins the comment and says how many fields it has, the text; then author, article and
-- parent, each nothing or a list, of which the id is the first.
local NAMED = {'author', 'article', 'parent'}
local function id_in(content, field)
  if string.sub(content, 1, 1) == '{' then
    local named = cjson.decode(content).comment[NAMED[field]]
    return type(named) == 'table' and named.id
  end
  if string.byte(content, 2) <= 0x90 + field then return nil end
  local at = cmsgpack.unpack_limit(content, 1, 2)
  for _ = 2, field do -- what stands before it
    local begins = string.byte(content, at + 1)
    if begins < 0x90 or begins > 0x9f then
      at = skip_value(content, at)
    else
      at = at + 1
      for _ = 0x91, begins do at = skip_value(content, at) end
    end
  end
  local begins = string.byte(content, at + 1)
  if begins <= 0x90 or begins > 0x9f then return nil end
  return select(2, cmsgpack.unpack_limit(content, 1, at + 1))
end

-- The author of a revision; nil if none is named, or the content is missing or unreadable. Scripts have no rollback, so
-- an unreadable text must not abort a script that has written.
local function author_of(content)
  local is_read, id = pcall(id_in, content, 1)
  return is_read and type(id) == 'string' and id or nil
end

-- The comment that a revision answers; nil as for author_of.
local function parent_of(content)
  local is_read, id = pcall(id_in, content, 3)
  return is_read and type(id) == 'string' and id or nil
end

local function author_key(author) return P .. 'author:' .. author end

-- Index a comment by its author for `life_s` from now on, and remove older entries. `left_s`: how long the index is kept
-- as it is, if that is known; -2: there is none yet.
local function remember_author(id, author, now, life_s, left_s)
  local key = author_key(author)
  left_s = left_s or redis.call('TTL', key)
  redis.call('ZADD', key, whole(now), id)
  if left_s < life_s - 86400 then -- not with each comment of a day
    if left_s >= 0 then redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - life_s * 1000)) end
    redis.call('EXPIRE', key, whole(life_s))
  end
end

-- Index a comment, first recorded at `at`, among the replies to its parent for `life_s` from now on. Of one parent the
-- newest of this shard are kept, so that one thread cannot fill the memory.
local MOST_REPLIES = 1000
local function remember_reply(id, parent, at, now, life_s)
  if parent == id then return end
  local key = P .. 'replies:' .. parent
  local left_s = redis.call('TTL', key)
  redis.call('ZADD', key, at, id)
  if left_s < life_s - 86400 then
    if left_s >= 0 then redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - life_s * 1000)) end
    redis.call('EXPIRE', key, life_s)
  end
  redis.call('ZREMRANGEBYRANK', key, 0, -MOST_REPLIES - 1)
end

-- Store a final decision on a comment, which is in no index now. `until_s`: how long its text is stored;
-- `fields`: more fields of its state, as a flat list.
local function settle(id, item, status, by, now, until_s, fields)
  item.state, item.status, item.decided_by = 'decided', status, by
  unset(id, item, 'token', 'owner', 'claimed', 'until', 'undone', 'undone_by', 'escalated_by')
  set(id, item, 'state', 'decided', 'status', status, 'decided_by', by, 'decided', now,
    'version', item.version, unpack(fields or {}))
  redis.call('EXPIRE', item_key(id), outlives(item, now, until_s))
  redis.call('EXPIRE', text_key(id, item.revision), until_s)
  if now - tonumber(item.created) > 60 * 86400000 then -- so late that its author would be forgotten before its text
    local content = redis.call('GET', text_key(id, item.revision))
    local author, parent = author_of(content), parent_of(content)
    if author and redis.call('EXISTS', P .. 'author:' .. author) == 1 then
      remember_author(id, author, now, until_s + 97 * 86400)
    end
    if parent then remember_reply(id, parent, item.created, now, until_s + 97 * 86400) end
  end
  if item.callback then redis.call('EXPIRE', P .. 'callback:' .. id, until_s) end
  if item.appealed then redis.call('EXPIRE', P .. 'appeal:' .. id, until_s) end
  if item.notes then redis.call('EXPIRE', notes_key(id), until_s) end
end

-- Return a decided comment to the queue. It keeps its status meanwhile, and is not given to those in item.against.
-- `is_blind`: to moderators and in the feed it looks like any other waiting comment, as audits do, and the site is not told.
local function reopen(id, item, why, actor, now, sla_ms, more, role, is_blind)
  local was = item.state
  redis.call('ZADD', P .. 'waiting', now, id) -- takes memory: a full Redis refuses here
  for _, key in ipairs({item_key(id), text_key(id, item.revision), P .. 'callback:' .. id, P .. 'appeal:' .. id,
    notes_key(id)}) do
    redis.call('PERSIST', key)
  end
  if item.moderator then -- also one who agreed with an automatic decision
    item.against = (item.against or '\n') .. item.moderator .. '\n'
    set(id, item, 'against', item.against)
  end
  bump(item)
  item.state, item.why, item.kind = 'queued', is_blind and 'audit' or why, is_blind and 'audit' or 'review'
  set(id, item, 'state', 'queued', 'version', item.version, 'why', item.why, 'kind', item.kind,
    'priority', is_blind and '0.5' or '1', 'due', whole(now + sla_ms))
  unset(id, item, 'expiries', 'double', 'vote', 'voter', 'vote_request', 'label', 'event', 'held_until',
    'inclusion', 'drawn', 'answered', 'sampler', 'request', 'before_escalation')
  redis.call('ZADD', P .. 'ready', now + sla_ms, id)
  local how = {'why', why}
  if is_blind then
    unset(id, item, 'attributes') -- audits match no attribute filter
    how[3], how[4] = 'blind', '1'
  end
  audit('reopened', actor, id, item, was, as_who(how, role or '', ''))
  count(now, 'reopened:' .. why)
  if is_blind then
    happened('queued', id, item, {'status', 'pending', 'decided_by', 'model'})
  else
    tell('comment.queued', 'queued', id, item, now, 0, more)
  end
end

-- Return a leased comment to its place in the queue: its due time does not change.
local function put_back(id, item)
  redis.call('ZREM', P .. 'lease', id)
  redis.call('ZREM', P .. 'held:' .. item.owner, id)
  redis.call('ZADD', P .. 'ready', item.due, id)
  set(id, item, 'state', 'queued')
  item.state = 'queued'
end

-- Lease a waiting comment to one moderator; `held` is the key of that moderator's leases.
local function lease(id, item, moderator, held, now, lease_ms)
  redis.call('ZREM', P .. 'ready', id)
  local token, ends = redis.call('INCR', P .. 'token'), now + lease_ms
  redis.call('ZADD', P .. 'lease', ends, id)
  redis.call('ZADD', held, ends, id)
  set(id, item, 'state', 'leased', 'token', token, 'owner', moderator, 'claimed', now,
    'until', whole(ends))
  item.state = 'leased'
  audit('claimed', moderator, id, item, 'queued', {'token', token})
  happened('claimed', id, item, {'moderator', moderator, 'until', whole(ends)})
end

-- Leases that have ended, 50 at most. The token stays, so that a late decision still counts as long as nobody else was
-- offered the comment. One that ends again and again may break what shows it: it is marked, and stays in the queue.
local function reap(now)
  local ended = redis.call('ZRANGEBYSCORE', P .. 'lease', '-inf', now, 'LIMIT', 0, 50)
  for _, id in ipairs(ended) do
    local item = read_item(id)
    if item.state == 'leased' and item.owner then
      put_back(id, item)
      local times = redis.call('HINCRBY', item_key(id), 'expiries', 1)
      if times == 5 then count(now, 'stuck') end
      if times >= 5 then redis.call('ZADD', P .. 'stuck', now, id) end
      audit('expired', item.owner, id, item, 'leased')
      happened('released', id, item)
    else -- should not happen; it must not block the others (fsck repairs the rest)
      redis.call('ZREM', P .. 'lease', id)
    end
  end
  return #ended
end
