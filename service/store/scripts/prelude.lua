-- Shared code, put before every script. Scripts are safe to run twice.
--
-- KEYS[1] is the prefix of one shard, with its hash tag; every key is made from it, so all lie in one slot:
--   item:<id>        HASH  a comment's state                     ready       ZSET id -> due time (ms)
--   text:<id>:<rev>  STRING what was sent and judged             lease       ZSET id -> lease end (ms)
--   appeal:<id>      STRING what the author said against it      escalated   ZSET id -> escalation time (ms)
--   callback:<id>    STRING where the site wants to hear of it   waiting     ZSET id -> time queued (ms), any of these
--   reports:<id>     SET   who reported it (see reporters.lua)   held:<m>    ZSET id -> lease end, of one moderator
--   unknown:<id>     STRING exists once archives of labels were told of the erasure of a comment without a state
--   token            counter of leases                           skipped:<m> ZSET id -> until when not again (ms)
--   audit            STREAM what happened, for ever              labels      STREAM what people said of texts
--   events           STREAM what sites and consoles follow       stat:<hour> HASH counters
--   webhook          HASH  the site's own endpoint               out:due     ZSET id -> next attempt (ms)
--   out:q:<id>       LIST  events to be told, oldest first       author:<id> ZSET id -> time submitted (ms)
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

-- Lua writes large numbers as 1.7e+12.
local function whole(n) return string.format('%.0f', n) end

local function item_key(id) return P .. 'item:' .. id end
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

-- {outcome, item as a flat list, content of its revision, the author's appeal}
local function answer(outcome, id, item)
  if #item.flat == 0 then return {outcome, item.flat, false, false} end
  return {outcome, item.flat, redis.call('GET', text_key(id, item.revision)),
    item.appealed and redis.call('GET', P .. 'appeal:' .. id) or false}
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
  local key = P .. 'stat:' .. math.floor(now / 3600000)
  if redis.call('HINCRBY', key, field, by or 1) == 1 then redis.call('EXPIRE', key, 62 * 86400) end
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

local INDEX = {queued = 'ready', leased = 'lease', escalated = 'escalated'}

-- Remove a comment from the indexes of its state. Returns since when it waited. Its writes take no memory.
local function unlist(id, item)
  local since = redis.call('ZSCORE', P .. 'waiting', id)
  if not since then return since end
  redis.call('ZREM', P .. INDEX[item.state], id)
  redis.call('ZREM', P .. 'waiting', id)
  if item.state == 'leased' and item.owner then redis.call('ZREM', P .. 'held:' .. item.owner, id) end
  return since
end

-- What is known of an escalation, so that an undo of the decision that follows can bring it back.
local ESCALATION = {'moderator', 'reason', 'note', 'request', 'escalated_by', 'vote', 'double'}

local function escalation_of(item)
  local kept = {}
  for _, name in ipairs(ESCALATION) do kept[name] = item[name] end
  return cmsgpack.pack(kept)
end

local function bump(item) item.version = tostring(tonumber(item.version) + 1) end

-- How long (s) a comment's state is kept when its text is kept for `until_s`: longer than any text of it, also that of an
-- earlier revision which stays for its label (`labelled`: until when, Unix s). Who erases it must still find them.
local function outlives(item, now, until_s)
  return math.floor(math.max(until_s, (tonumber(item.labelled) or 0) - now / 1000)) + 7 * 86400
end

-- The id of the author in what is kept of a revision. As packing.py writes it: a byte that begins the list, one that
-- begins the comment and says how many fields it has, the text, one that begins the author, the id. What follows is not
-- read: cmsgpack knows no times.
local function author_in(content)
  local id
  if string.sub(content, 1, 1) == '{' then
    local author = cjson.decode(content).comment.author
    id = type(author) == 'table' and author.id
  elseif string.byte(content, 2) > 0x91 then
    local at = cmsgpack.unpack_limit(content, 1, 2)
    local begins = string.byte(content, at + 1)
    if begins > 0x90 and begins < 0xa0 then
      id = select(2, cmsgpack.unpack_limit(content, 1, at + 1))
    end
  end
  return id
end

-- The author of a revision; nil if none is named, or the content is missing or unreadable. Scripts have no rollback, so
-- an unreadable text must not abort a script that has written.
local function author_of(content)
  local is_read, id = pcall(author_in, content)
  return is_read and type(id) == 'string' and id or nil
end

-- Index a comment by its author for `life_s` from now on, and remove older entries.
local function remember_author(id, author, now, life_s)
  local key = P .. 'author:' .. author
  local left_s = redis.call('TTL', key) -- -2: there is none yet
  redis.call('ZADD', key, now, id)
  if left_s < life_s - 86400 then -- not with each comment of a day
    if left_s >= 0 then redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - life_s * 1000)) end
    redis.call('EXPIRE', key, life_s)
  end
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
    local author = author_of(redis.call('GET', text_key(id, item.revision)))
    if author and redis.call('EXISTS', P .. 'author:' .. author) == 1 then
      remember_author(id, author, now, until_s + 97 * 86400)
    end
  end
  if item.callback then redis.call('EXPIRE', P .. 'callback:' .. id, until_s) end
  if item.appealed then redis.call('EXPIRE', P .. 'appeal:' .. id, until_s) end
end

-- Return a decided comment to the queue. It keeps its status meanwhile, and is not given to those in item.against.
local function reopen(id, item, why, actor, now, sla_ms, more, role)
  local was = item.state
  redis.call('ZADD', P .. 'waiting', now, id) -- takes memory: a full Redis refuses here
  for _, key in ipairs({item_key(id), text_key(id, item.revision), P .. 'callback:' .. id, P .. 'appeal:' .. id}) do
    redis.call('PERSIST', key)
  end
  if item.moderator then -- also one who agreed with an automatic decision
    item.against = (item.against or '\n') .. item.moderator .. '\n'
    set(id, item, 'against', item.against)
  end
  bump(item)
  item.state, item.why = 'queued', why
  set(id, item, 'state', 'queued', 'version', item.version, 'why', why, 'kind', 'review',
    'priority', '1', 'due', whole(now + sla_ms))
  unset(id, item, 'expiries', 'double', 'vote', 'voter', 'vote_request', 'label', 'event', 'held_until',
    'inclusion', 'drawn', 'answered', 'request', 'before_escalation')
  redis.call('ZADD', P .. 'ready', now + sla_ms, id)
  audit('reopened', actor, id, item, was, as_who({'why', why}, role or '', ''))
  count(now, 'reopened:' .. why)
  tell('comment.queued', 'queued', id, item, now, 0, more)
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
      if redis.call('HINCRBY', item_key(id), 'expiries', 1) == 5 then count(now, 'stuck') end
      audit('expired', item.owner, id, item, 'leased')
      happened('released', id, item)
    else -- should not happen; it must not block the others (fsck repairs the rest)
      redis.call('ZREM', P .. 'lease', id)
    end
  end
  return #ended
end
