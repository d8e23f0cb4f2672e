-- What is counted of authors and articles, for rules. Stands between the prelude and a script. All keys expire.
--
--   who:<author>       HASH  seen: time of the first comment (ms); approved, rejected: comments that stand so;
--                            a:<day>, r:<day>: decisions of a day, kept for 62 days
--   status:<author>    HASH  a status that people or rules gave; the same in every shard (see set_status.lua)
--   article:<id>, section:<name>  HASH  the same of articles and sections
--   rate:<what>        ZSET  comment -> time (ms), of an article or of the site

-- As in values/rules.py.
local MOST_IN_RATE = 10001
local DAY_MS = 86400000
local COUNTED_DAYS = 62

local function who_key(author) return P .. 'who:' .. author end

-- Never below zero: what was decided before its author was counted is not in the count.
local function add(key, field, by)
  if by < 0 and (tonumber(redis.call('HGET', key, field)) or 0) <= 0 then return 0 end
  return redis.call('HINCRBY', key, field, whole(by))
end

local function tally_one(key, name, letter, at, by)
  add(key, name, by)
  local day = math.floor(at / DAY_MS)
  if add(key, letter .. ':' .. whole(day), by) ~= by or by < 0 then return end
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
  if redis.call('HSETNX', key, 'seen', whole(now)) == 1 then redis.call('EXPIRE', key, whole(life_s)) end
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
  if left_s < life_s then redis.call('EXPIRE', key, whole(life_s)) end
end

-- The time to live of what is counted of an author, when the author's comments are found for `until_s` more.
local function tally_life(until_s) return until_s + 97 * 86400 end

-- The number of comments within a window; this comment is not counted.
local function within(key, id, now, window_s)
  local found = redis.call('ZCOUNT', key, whole(now - window_s * 1000), '(inf')
  local at = found > 0 and tonumber(redis.call('ZSCORE', key, id) or nil)
  if at and at >= now - window_s * 1000 then found = found - 1 end
  return found
end

-- Whether more than `most` comments came within a window, this one counted.
local function is_above(key, id, now, window_s, most)
  if redis.call('ZCOUNT', key, whole(now - window_s * 1000), '(inf') < most then return false end
  return within(key, id, now, window_s) + 1 > most
end

-- Keep the newest `most` of a window.
local function put_in_window(key, id, now, window_s, most)
  redis.call('ZADD', key, 'NX', now, id)
  if redis.call('ZCARD', key) > most then redis.call('ZREMRANGEBYRANK', key, 0, 0) end
  redis.call('EXPIRE', key, window_s)
end
