-- What is counted of texts and links, by their fingerprints, for rules. Stands behind counters.lua. All keys expire.
--
--   first              HASH  fingerprint -> 'time id' of the only comment that had it, or '*': it has a set of its own.
--                            Nearly all texts come once, and this costs little. '' -> 'time window': when it was begun
--                            (ms), and the window (s). After a window, or when it is full, it becomes
--   first:before       HASH  the one before, so each fingerprint is kept for one window at least, and two at most
--   same:<fingerprint> ZSET  comment -> time (ms), of several with this fingerprint; '' -> inf: harmless, because
--                            people approved it; ' ' -> inf: spam, because people rejected it as such
--   prints             ZSET  fingerprint that has a set -> time (ms): the oldest are forgotten first

-- As in values/rules.py.
local MOST_ALIKE, MOST_PRINTS = 1001, 200000
local MOST_FIRST = MOST_PRINTS / 2 -- there are two of them

local function same_key(fingerprint) return P .. 'same:' .. fingerprint end

-- No id of a comment is one of these.
local HARMLESS, SPAM = '', ' '

local FIRST, BEFORE, SEVERAL = P .. 'first', P .. 'first:before', '*'

-- What `first` says of each fingerprint, as far as it was looked up; false: nothing. `began`: when and for what window;
-- nil: not asked yet.
local looked, began = {}, nil

-- Those fingerprints that were not looked up yet, behind the `skipped` first ones; and whether one that was came before.
local function not_looked_up(prints, skipped)
  if skipped == 0 and next(looked) == nil then return prints, false end
  local new, is_known = {}, false
  for at = 1 + skipped, #prints do
    local each = prints[at]
    if looked[each] == nil then new[#new + 1] = each end
    is_known = is_known or looked[each]
  end
  return new, is_known
end

-- Look fingerprints up, all together, but for the `skipped` first ones. Returns whether any of them came before.
local function look_up(prints, skipped)
  skipped = skipped or 0
  if #prints <= skipped then return false end
  local new, is_known = not_looked_up(prints, skipped)
  if #new == 0 then return is_known end
  local found = redis.call('HMGET', FIRST, '', unpack(new))
  began = found[1]
  local missing = new
  for at = 1, #new do
    local entry = found[at + 1]
    looked[new[at]] = entry
    if entry then
      is_known = entry
      if missing == new then missing = {unpack(new, 1, at - 1)} end
    elseif missing ~= new then
      missing[#missing + 1] = new[at]
    end
  end
  if #missing == 0 then return is_known end
  found = redis.call('HMGET', BEFORE, unpack(missing))
  for at = 1, #missing do
    looked[missing[at]] = found[at]
    is_known = is_known or found[at]
  end
  return is_known
end

-- When the only comment with a fingerprint came (ms), and its id; nil if there are several or none.
local function only_one(fingerprint)
  local entry = looked[fingerprint]
  if not entry or entry == SEVERAL then return nil end
  local at, id = string.match(entry, '^(%d+) (.*)$')
  return tonumber(at), id
end

-- What people said of all texts with a fingerprint that has a set: HARMLESS, SPAM, or nil. It stands behind all comments.
local function said_of(fingerprint)
  local last = redis.call('ZRANGE', same_key(fingerprint), -1, -1)[1]
  return (last == HARMLESS or last == SPAM) and last or nil
end

-- How many other comments had a fingerprint within a window; as many as any rule may ask for if they are spam. It must
-- have been looked up.
local function copies_within(fingerprint, id, now, window_s)
  if not looked[fingerprint] then return 0 end
  local at, other = only_one(fingerprint)
  if at then return other ~= id and at >= now - window_s * 1000 and 1 or 0 end
  local said = said_of(fingerprint)
  if said == SPAM then return MOST_ALIKE end
  return said and 0 or within(same_key(fingerprint), id, now, window_s)
end

-- Count a comment in the sets of fingerprints that several have. `at_ms`, `window_s`: as text.
local function count_among_several(id, fingerprints, now, at_ms, window_s)
  local seen = {}
  for at, fingerprint in ipairs(fingerprints) do
    put_in_window(same_key(fingerprint), id, at_ms, window_s, MOST_ALIKE)
    seen[2 * at - 1], seen[2 * at] = at_ms, fingerprint
  end
  redis.call('ZADD', P .. 'prints', unpack(seen))
  if now % 16 > 0 and redis.call('TTL', P .. 'prints') > 0 then return end
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

-- Begin `first` anew when its window is over, or it is full. Returns whether it begins now.
local function begin_anew(now, window_s)
  if began == nil then began = redis.call('HGET', FIRST, '') end
  if not began then return true end
  local since = tonumber(string.match(began, '^%d+'))
  local is_over = now - since > window_s * 1000
  if not is_over and (now % 16 > 0 or redis.call('HLEN', FIRST) <= MOST_FIRST) then return false end
  redis.call('UNLINK', BEFORE)
  redis.call('RENAME', FIRST, BEFORE)
  redis.call('EXPIRE', BEFORE, window_s)
  return true
end

-- Forget a fingerprint of a comment, unless others have it.
local function forget_print(fingerprint, id)
  local same = same_key(fingerprint)
  for _, key in ipairs({FIRST, BEFORE}) do
    local _, its_id = string.match(redis.call('HGET', key, fingerprint) or '', '^(%d+) (.*)$')
    if its_id == id then redis.call('HDEL', key, fingerprint) end
  end
  -- What people said of its copies goes with the last of them.
  if redis.call('ZREM', same, id) == 1 and redis.call('ZCOUNT', same, '-inf', '(inf') == 0 then
    redis.call('DEL', same)
    redis.call('ZREM', P .. 'prints', fingerprint)
    redis.call('HDEL', FIRST, fingerprint)
    redis.call('HDEL', BEFORE, fingerprint)
  end
end

-- Fingerprints of a comment's earlier texts, which still count: packed, '' if there are none. Its erasure removes them. When
-- there are too many, those of the oldest texts are forgotten. `was`: the comment before; `prints`: of its new text.
local MOST_EARLIER = 100
local function earlier_prints(id, was, prints)
  local seen, kept = {}, {}
  for _, each in ipairs(prints) do seen[each] = true end
  for _, packed in ipairs({was.prints or '', was.earlier or ''}) do
    for _, each in ipairs(packed ~= '' and cmsgpack.unpack(packed) or {}) do
      if not seen[each] and #kept < MOST_EARLIER then
        kept[#kept + 1] = each
      elseif not seen[each] then
        forget_print(each, id)
      end
      seen[each] = true
    end
  end
  return #kept > 0 and cmsgpack.pack(kept) or ''
end
