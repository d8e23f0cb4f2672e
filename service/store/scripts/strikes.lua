-- Strikes of authors for comments that people rejected, and the status that strikes and approvals give. Stands behind
-- counters.lua and statuses.lua.
--
--   strikes:<author>  HASH  comment -> "<time (ms)> <weight> <reason>", in the comment's shard; one for each comment
--   struck            HASH  author -> a decision (MessagePack) after which the status is not weighed yet; only with
--                           several shards, where the strikes of all of them count
--   weighing:<author> STRING  number of the last weighing that began; only with several shards, in the author's
--
-- `terms`, from service/store/strikes.py, is a map:
--   at, at_ms  when the status is changed, as JSON and in ms
--   expire_ms  how long a strike counts
--   weight     of the strike that a rejection brings (0: none)
--   steps      {{strikes, status, until (ms; false: for good), until as JSON}...}, the fewest strikes first
--   trust      {approvals, time since the first comment (ms)}; false: none is earned
--   alone      whether this shard has all strikes
--   kept       how many changes of a status are kept
--   hashed     whether authors are stored as pseudonyms; else `named` has pseudonyms by stored id, for the audit trail
local SEVERITY = {trusted = 0, active = 1, premoderated = 2, muted = 3, banned = 4}
-- So many strikes of an author are kept; no step takes more.
local MOST_STRIKES = 200

local function strikes_key(author) return P .. 'strikes:' .. author end

local function read_strike(value)
  local at, weight, reason = string.match(value, '^(%d+) (%d+) (.*)$')
  return {at = tonumber(at), weight = tonumber(weight), reason = reason}
end

-- Set the strike for a comment, or remove it (value ''). Returns the one before, '' for none.
local function put_strike(author, id, value, terms, now)
  local key = strikes_key(author)
  local before = redis.call('HGET', key, id) or ''
  if value == '' then
    redis.call('HDEL', key, id)
    return before
  end
  redis.call('HSET', key, id, value)
  -- Twice as long as they count: what gave a status can be checked as long as that counts.
  redis.call('PEXPIRE', key, whole(2 * terms.expire_ms))
  if redis.call('HLEN', key) <= MOST_STRIKES then return before end
  local oldest, oldest_at
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local at = read_strike(flat[i + 1]).at
    if at <= now - 2 * terms.expire_ms then
      redis.call('HDEL', key, flat[i])
    elseif not oldest_at or at < oldest_at then
      oldest, oldest_at = flat[i], at
    end
  end
  if redis.call('HLEN', key) > MOST_STRIKES then redis.call('HDEL', key, oldest) end
  return before
end

-- The weights of the strikes that counted at a time, and when the newest of them came (ms). `strikes`: values.
local function sum_at(strikes, at, expire_ms)
  local sum, newest = 0, 0
  for _, value in ipairs(strikes) do
    local strike = read_strike(value)
    if strike.at <= at and strike.at > at - expire_ms then
      sum = sum + strike.weight
      newest = math.max(newest, strike.at)
    end
  end
  return sum, newest
end

-- Whether what led to a change still stands. What people said stands, and what is older than strikes count.
local function stands(change, strikes, approved, terms, now)
  if not change.struck_ms or change.struck_ms <= now - terms.expire_ms then return true end
  if change.approvals then return approved >= change.approvals end
  for _, value in ipairs(strikes) do
    if read_strike(value).at == change.struck_ms then
      local sum = sum_at(strikes, change.struck_ms, terms.expire_ms)
      return sum >= change.strikes
    end
  end
  return false
end

-- The status that a change means now, and when it ends (ms; false: never).
local function effect(change, now)
  if not change or (change.until_ms and change.until_ms <= now) then return 'active', false end
  return change.status, change.status ~= 'active' and change.until_ms or false
end

local function step_of(strikes, steps)
  local found
  for _, step in ipairs(steps) do
    if strikes >= step[1] then found = step end
  end
  return found
end

-- Change the status of an author if strikes or approvals ask for it, or take back what they no longer ask for.
-- `deed`: {what: reject, approve or undo; reason, comment, moderator}; `elsewhere`: {strikes,
-- approved, seen} of the other shards. Returns the newest change as JSON; false if there is none; 0 if a newer release gave
-- a status that is unknown here, which is left to it.
local function weigh(author, deed, elsewhere, terms, now)
  local key = P .. 'statuses:' .. author
  local known = redis.call('LRANGE', key, 0, terms.kept - 1)
  local strikes = redis.call('HVALS', strikes_key(author))
  for _, value in ipairs(elsewhere.strikes) do strikes[#strikes + 1] = value end
  local counted = redis.call('HMGET', who_key(author), 'approved', 'seen')
  local approved = (tonumber(counted[1] or nil) or 0) + elsewhere.approved
  local seen = tonumber(counted[2] or nil) or elsewhere.seen or now
  if elsewhere.seen then seen = math.min(seen, elsewhere.seen) end

  local sum, struck = sum_at(strikes, now, terms.expire_ms)
  -- The last change; the last one whose cause stands; the last one that the strikes of now would give as well.
  local newest, standing, deserved
  for at, json in ipairs(known) do
    local change = cjson.decode(json)
    if not SEVERITY[change.status] then return 0 end
    if at == 1 then newest = change end
    if not (change.by == 'rule' and change.undoes) then
      if not deserved and change.strikes and sum >= change.strikes then deserved = change end
      if not standing and stands(change, strikes, approved, terms, now) then standing = change end
      if not change.struck_ms then break end -- what a person said covers what was before
    end
  end
  if deserved and SEVERITY[effect(deserved, now)] > SEVERITY[effect(standing, now)] then standing = deserved end
  local status, ends = effect(newest, now)
  local function record(change)
    change.version, change.by, change.at = (newest and newest.version or 0) + 1, 'rule', terms.at
    local ends_ms = change.until_ms
    change.until_ms = nil -- log_status adds it
    local json = cjson.encode(change)
    change.until_ms = ends_ms
    log_status(author, json, change, {name = ' author:' .. author, kept = terms.kept, before = status,
      pseudonym = terms.hashed and author or terms.named[author] or '', comment = deed.comment,
      moderator = deed.moderator})
    change.at = terms.at_ms
    set_status('status:' .. author, change)
    newest, status, ends = change, effect(change, now)
  end

  local step = step_of(sum, terms.steps)
  local function give(why)
    record({status = step[2], why = why, strikes = step[1], struck_ms = struck, ['until'] = step[4] or nil,
      until_ms = step[3] or nil})
  end
  local owed, owed_until = effect(standing, now)
  if newest and (owed ~= status or owed_until ~= ends) then
    if step and SEVERITY[step[2]] > SEVERITY[owed] then -- fewer strikes: a step that was passed over at first
      give()
    else
      local restored = {status = owed, undoes = newest.version}
      if owed ~= 'active' then
        restored.why, restored.note, restored['until'] = standing.why, standing.note, standing['until']
      end
      restored.until_ms = owed_until or nil
      record(restored)
    end
  end
  if deed.what == 'reject' and sum > 0 then
    -- By an hour at least: one change is enough for strikes that come together.
    local is_longer = step and step[2] == status and ends and (not step[3] or step[3] > ends + 3600000)
    local why = deed.reason ~= '' and deed.reason or nil
    if step and (SEVERITY[step[2]] > SEVERITY[status] or is_longer) then
      give(why)
    elseif status == 'trusted' and standing and standing.approvals then -- earned trust ends with a strike
      record({status = 'active', why = why, strikes = 1, struck_ms = struck})
    end
  elseif deed.what == 'approve' and terms.trust and sum == 0 and status == 'active'
    and (not standing or standing.struck_ms) -- what people said of the author stands
    and approved >= terms.trust[1] and now - seen >= terms.trust[2] then
    record({status = 'trusted', approvals = terms.trust[1], struck_ms = now})
  end
  return redis.call('LINDEX', key, 0)
end

-- After a decision, or its undo: weigh the strikes, or note that they must be weighed with those of other shards.
local function weigh_after(author, deed, terms, now)
  if terms.alone then
    weigh(author, deed, {strikes = {}, approved = 0}, terms, now)
    return
  end
  local noted = redis.call('HGET', P .. 'struck', author)
  if noted and deed.what ~= 'reject' then -- a rejection that was not weighed yet must still be
    local before = cmsgpack.unpack(noted)
    if before.what == 'reject' then deed = before end
  end
  deed.noted = whole(now)
  redis.call('HSET', P .. 'struck', author, cmsgpack.pack(deed))
  redis.call('EXPIRE', P .. 'struck', 7 * 86400)
end
