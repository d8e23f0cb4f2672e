-- What is counted of authors, articles and texts, for rules. Stands between the prelude and a script. All keys expire.
--
--   who:<author>       HASH  seen: time of the first comment (ms); approved, rejected: comments that stand so;
--                            a:<day>, r:<day>: decisions of a day, kept for 62 days
--   status:<author>    HASH  a status that people or rules gave; the same in every shard (see set_status.lua)
--   article:<id>, section:<name>  HASH  the same of articles and sections
--   rate:<what>        ZSET  comment -> time (ms), of an article or of the site
--   same:<fingerprint> ZSET  comment -> time (ms), of texts or links with this fingerprint; '' -> inf: harmless, because
--                            people approved it; ' ' -> inf: spam, because people rejected it as such
--   prints             ZSET  fingerprint -> time (ms): the oldest are forgotten first

-- As in values/rules.py.
local MOST_IN_RATE, MOST_ALIKE, MOST_PRINTS = 10001, 1001, 200000
local DAY_MS = 86400000
local COUNTED_DAYS = 62

local function who_key(author) return P .. 'who:' .. author end
local function same_key(fingerprint) return P .. 'same:' .. fingerprint end

-- Never below zero: what was decided before its author was counted is not in the count.
local function add(key, field, by)
  if by < 0 and (tonumber(redis.call('HGET', key, field)) or 0) <= 0 then return 0 end
  return redis.call('HINCRBY', key, field, by)
end

local function tally_one(key, name, letter, at, by)
  add(key, name, by)
  local day = math.floor(at / DAY_MS)
  if add(key, letter .. ':' .. day, by) ~= by or by < 0 then return end
  if redis.call('HLEN', key) <= 2 * COUNTED_DAYS + 3 then return end
  -- The first of its day, and there are more days than rules look back to.
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local its_day = tonumber(string.match(field, '^[ar]:(%d+)$'))
    if its_day and its_day <= day - COUNTED_DAYS then redis.call('HDEL', key, field) end
  end
end

-- An author is counted from the first comment that is recorded while authors are indexed.
local function count_author(author, now, life_s)
  local key = who_key(author)
  if redis.call('HSETNX', key, 'seen', now) == 1 then redis.call('EXPIRE', key, life_s) end
end

-- Count that a comment of an author went from one status to another; '' : none. `from_at`, `to_at`: when it got each (ms).
-- `life_s`: how long what is counted of an author is kept, from now on.
local function tally(author, from, to, from_at, to_at, life_s)
  if from == to or not author or author == '' then return end
  local key = who_key(author)
  local left_s = redis.call('TTL', key)
  if left_s == -2 then return end -- there is none
  if from == 'approved' then tally_one(key, 'approved', 'a', from_at, -1) end
  if from == 'rejected' then tally_one(key, 'rejected', 'r', from_at, -1) end
  if to == 'approved' then tally_one(key, 'approved', 'a', to_at, 1) end
  if to == 'rejected' then tally_one(key, 'rejected', 'r', to_at, 1) end
  if left_s < life_s then redis.call('EXPIRE', key, life_s) end
end

-- The time to live of what is counted of an author, when the author's comments are found for `until_s` more.
local function tally_life(until_s) return until_s + 97 * 86400 end

-- The number of comments within a window; this comment is not counted.
local function within(key, id, now, window_s)
  local found = redis.call('ZCOUNT', key, whole(now - window_s * 1000), whole(now + DAY_MS))
  local at = found > 0 and tonumber(redis.call('ZSCORE', key, id) or nil)
  if at and at >= now - window_s * 1000 then found = found - 1 end
  return found
end

-- No id of a comment is one of these.
local HARMLESS, SPAM = '', ' '

-- What people said of all texts with a fingerprint: HARMLESS, SPAM, or nil.
local function said_of(key)
  if redis.call('ZSCORE', key, HARMLESS) then return HARMLESS end
  return redis.call('ZSCORE', key, SPAM) and SPAM or nil
end

-- Whether one of the limits is passed, so that a rule may hold. `limits`: {{key behind the prefix, window (s), most}...},
-- this comment counted.
local function passes_a_limit(limits, id, now)
  for _, limit in ipairs(limits) do
    local said = string.sub(limit[1], 1, 5) == 'same:' and said_of(P .. limit[1])
    if said == SPAM or (not said and within(P .. limit[1], id, now, limit[2]) + 1 > limit[3]) then return true end
  end
  return false
end

-- The facts of one shard that rules ask for, in the order of `asks`: {what, parameters...}. A fact is a number; false:
-- nothing is known. `sent`: {id, author, fingerprints by kind}.
local function facts_of(asks, sent, now)
  local id, author, known, found = sent.id, sent.author, nil, {}
  local function of_author(name)
    if author == '' then return false end
    if not known then
      known = {}
      local flat = redis.call('HGETALL', who_key(author))
      for i = 1, #flat, 2 do known[flat[i]] = tonumber(flat[i + 1]) end
    end
    return known[name] or false
  end
  for at, ask in ipairs(asks) do
    local what, fact = ask[1], false
    if what == 'seen' or what == 'approved' then
      fact = of_author(what)
    elseif what == 'a' or what == 'r' then
      local today = math.floor(now / DAY_MS)
      fact = 0
      for day = today - ask[2] + 1, today do fact = fact + (of_author(what .. ':' .. day) or 0) end
    elseif what == 'rate' then
      fact = within(P .. ask[2], id, now, ask[3])
    elseif what == 'same' then
      fact = 0 -- the most of any of the fingerprints
      for _, fingerprint in ipairs(sent.prints[ask[2]] or {}) do
        local said = said_of(same_key(fingerprint))
        if said == SPAM then
          fact = MOST_ALIKE -- as many as any rule may ask for
        elseif not said then
          fact = math.max(fact, within(same_key(fingerprint), id, now, ask[3]))
        end
      end
    end
    found[at] = fact
  end
  return found
end

-- Keep the newest `most` of a window.
local function put_in_window(key, id, now, window_s, most)
  redis.call('ZADD', key, 'NX', now, id)
  if redis.call('ZCARD', key) > most then redis.call('ZREMRANGEBYRANK', key, 0, 0) end
  redis.call('EXPIRE', key, window_s)
end

-- Count a comment. `rates`: {{name, window (s)}...}; `prints`: fingerprints; `window_s`: theirs.
local function count_comment(id, rates, prints, window_s, now)
  for _, rate in ipairs(rates) do put_in_window(P .. rate[1], id, now, rate[2], MOST_IN_RATE) end
  for _, fingerprint in ipairs(prints) do
    put_in_window(same_key(fingerprint), id, now, window_s, MOST_ALIKE)
    redis.call('ZADD', P .. 'prints', now, fingerprint)
  end
  if #prints == 0 or (now % 16 > 0 and redis.call('TTL', P .. 'prints') > 0) then return end
  -- Now and then: what has ended, and what is too much.
  redis.call('EXPIRE', P .. 'prints', window_s)
  -- Those of more than one comment, so that a site with few comments keeps no name of an author that has expired.
  local ended = redis.call('ZRANGEBYSCORE', P .. 'prints', '-inf', whole(now - window_s * 1000), 'LIMIT', 0, 250)
  if #ended > 0 then redis.call('ZREM', P .. 'prints', unpack(ended)) end
  local over = redis.call('ZCARD', P .. 'prints') - MOST_PRINTS
  if over > 0 then
    local oldest = redis.call('ZPOPMIN', P .. 'prints', math.min(over, 250))
    for i = 1, #oldest, 2 do redis.call('DEL', same_key(oldest[i])) end
  end
end

local function mark(fingerprint, said)
  local key = same_key(fingerprint)
  if said and redis.call('EXISTS', key) == 1 then redis.call('ZADD', key, 'inf', said) end
  for _, other in ipairs({HARMLESS, SPAM}) do
    if other ~= said then redis.call('ZREM', key, other) end
  end
end

-- A person said of a text that it is HARMLESS, or SPAM, or (nil) that it is not harmless. Returns what stood before, for
-- `restore_said`: for each fingerprint 1 (harmless), 2 (spam) or 0.
local function say_of_copies(packed_prints, said)
  if not packed_prints then return false end
  local before = {}
  for at, fingerprint in ipairs(cmsgpack.unpack(packed_prints)) do
    local was = said_of(same_key(fingerprint))
    before[at] = was == HARMLESS and '1' or was == SPAM and '2' or '0'
    if said or was == HARMLESS then mark(fingerprint, said) end
  end
  return table.concat(before)
end

local function restore_said(packed_prints, before)
  if not packed_prints or not before then return end
  for at, fingerprint in ipairs(cmsgpack.unpack(packed_prints)) do
    mark(fingerprint, ({['1'] = HARMLESS, ['2'] = SPAM})[string.sub(before, at, at)])
  end
end
