-- Readers who report comments, and what became of their reports. Stands behind the prelude. All keys expire.
--
--   reports:<id>       SET   readers who reported the revision
--   reasons:<id>       HASH  r:<reader>: what that reader said, as JSON; n: how many did; k:<kind>: how often a kind
--   reporter:<reader>  HASH  c:<id>: what became of the report, and when it came (ms), as o1760000000000: o open,
--                            u upheld, d dismissed; u, d: how many are
local MOST_REASONS, MOST_KINDS, MOST_REMEMBERED, MOST_JUDGED = 50, 20, 2000, 200
local DAY_S = 86400
local LEAST_JUDGED = 5 -- reports of a reader, before their share counts; as in domain.py

local function reporter_key(reader) return P .. 'reporter:' .. reader end
local function reasons_key(id) return P .. 'reasons:' .. id end

-- Keep the reports of a comment for `life_s`, or a day more, so that this is not done with each report. For as long its
-- readers are remembered, or what they said could not be erased with them. Returns how long the reports are kept (s).
local function keep_reports(id, life_s)
  local reports, most_s = P .. 'reports:' .. id, life_s + DAY_S
  local left_s = redis.call('TTL', reports)
  if left_s >= life_s then return left_s end
  redis.call('EXPIRE', reports, most_s)
  redis.call('EXPIRE', reasons_key(id), most_s)
  for _, reader in ipairs(redis.call('SMEMBERS', reports)) do
    if redis.call('TTL', reporter_key(reader)) < most_s then redis.call('EXPIRE', reporter_key(reader), most_s) end
  end
  return most_s
end

-- Forget what a reader said of a comment, and who it was; the report stays counted. `name`: nobody's, for the reader.
local function forget_report(reader, id, name)
  local key, reports = reporter_key(reader), P .. 'reports:' .. id
  redis.call('HDEL', key, 'c:' .. id) -- the first write takes no memory
  if redis.call('SISMEMBER', reports, reader) == 1 then
    redis.call('SADD', reports, name) -- first: a set without members would lose its expiry
    redis.call('SREM', reports, reader)
  end
  if redis.call('HDEL', reasons_key(id), 'r:' .. reader) == 1 then redis.call('HINCRBY', reasons_key(id), 'n', -1) end
  forget_notices(id, reader)
end

-- Forget the oldest report of a reader who has many, because it could not be erased with the reader otherwise.
local function forget_oldest(reader)
  local key, oldest, oldest_at, was = reporter_key(reader), nil, nil, nil
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local outcome, at = string.match(flat[i + 1], '^([oud])(%d+)$')
    if outcome and (not oldest or tonumber(at) < oldest_at) then
      oldest, oldest_at, was = string.sub(flat[i], 3), tonumber(at), outcome
    end
  end
  if not oldest then return end
  forget_report(reader, oldest, 'forgotten ' .. redis.call('INCR', P .. 'token'))
  if was ~= 'o' then redis.call('HINCRBY', key, was, -1) end
end

-- Remember that a reader reported a comment, for `life_s` at least.
local function remember_report(reader, id, now, life_s)
  local key = reporter_key(reader)
  if redis.call('HLEN', key) >= MOST_REMEMBERED then forget_oldest(reader) end
  redis.call('HSETNX', key, 'c:' .. id, 'o' .. whole(now))
  if redis.call('TTL', key) < life_s + DAY_S then redis.call('EXPIRE', key, life_s + DAY_S) end
end

-- What a person's decision makes of all reports of a comment: u (upheld), d (dismissed), or o (open again).
local function settle_reports(id, outcome)
  if redis.call('SCARD', P .. 'reports:' .. id) > MOST_JUDGED then return end
  for _, reader in ipairs(redis.call('SMEMBERS', P .. 'reports:' .. id)) do
    local key, field = reporter_key(reader), 'c:' .. id
    local kept = redis.call('HGET', key, field)
    local was = kept and string.sub(kept, 1, 1)
    if kept and was ~= outcome then
      if was ~= 'o' then redis.call('HINCRBY', key, was, -1) end
      if outcome ~= 'o' then redis.call('HINCRBY', key, outcome, 1) end
      redis.call('HSET', key, field, outcome .. string.sub(kept, 2))
    end
  end
end

-- Whether a reader's reports were mostly dismissed. `upheld`, `dismissed`: in the other shards.
local function is_mostly_wrong(reader, upheld, dismissed)
  local found = redis.call('HMGET', reporter_key(reader), 'u', 'd')
  upheld, dismissed = upheld + (tonumber(found[1]) or 0), dismissed + (tonumber(found[2]) or 0)
  return upheld + dismissed >= LEAST_JUDGED and dismissed > upheld
end

-- Keep what a reader says of a comment.
local function keep_reason(id, reader, kind, text, now, life_s)
  local key = reasons_key(id)
  if kind ~= '' then
    local is_known = redis.call('HEXISTS', key, 'k:' .. kind) == 1
    if not is_known and redis.call('HLEN', key) - (tonumber(redis.call('HGET', key, 'n')) or 0) > MOST_KINDS then
      redis.call('HINCRBY', key, 'k:other', 1)
    else
      redis.call('HINCRBY', key, 'k:' .. kind, 1)
    end
  end
  if (tonumber(redis.call('HGET', key, 'n')) or 0) < MOST_REASONS then
    redis.call('HINCRBY', key, 'n', 1)
    redis.call('HSET', key, 'r:' .. reader, cjson.encode({kind = kind, text = text, at = whole(now)}))
  end
  redis.call('EXPIRE', key, life_s)
end
