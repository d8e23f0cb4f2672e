-- Notices about comments (Digital Services Act, article 16). Stands behind the prelude. All keys but `noticed` expire.
--
--   notices:<id>  HASH  n:<notice>: the notice as JSON; life: how long it is kept after the last notice or answer (s)
--   noticed       ZSET  id -> since when its oldest open notice waits (ms)
-- Keeps: a comment is in `noticed` exactly while it has an open notice, and then it waits.
local MOST_NOTICES = 200 -- of a comment

local function notices_key(id) return P .. 'notices:' .. id end

-- The notices of a comment, oldest first.
local function read_notices(id)
  local found, flat = {}, redis.call('HGETALL', notices_key(id))
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, 2) == 'n:' then found[#found + 1] = cjson.decode(flat[i + 1]) end
  end
  table.sort(found, function(a, b) return a.id < b.id end)
  return found
end

local function write_notice(id, notice) redis.call('HSET', notices_key(id), 'n:' .. notice.id, cjson.encode(notice)) end

-- Keep the notices of a comment for their life from now on, and remember their readers for longer, or what these said
-- could not be erased with them.
local function keep_notices(id, notices)
  local life_s = tonumber(redis.call('HGET', notices_key(id), 'life') or '0')
  if redis.call('TTL', notices_key(id)) < life_s then redis.call('EXPIRE', notices_key(id), life_s) end
  for _, notice in ipairs(notices) do
    local reader = P .. 'reporter:' .. (notice.reader or '')
    if notice.reader and redis.call('TTL', reader) < life_s + 86400 then redis.call('EXPIRE', reader, life_s + 86400) end
  end
end

-- What the site is told with the event of a comment: which notices have this outcome now, as fields of the event.
local function told_of(notices, outcome, is_automatic)
  if #notices == 0 then return {} end
  local ids = {}
  for i, notice in ipairs(notices) do ids[i] = notice.id end
  return {'notices', cjson.encode({ids = ids, outcome = outcome, automated = is_automatic})}
end

-- Answer the open notices of a comment. Returns the fields of told_of, for the event.
local function answer_notices(id, item, outcome, now, is_automatic)
  if not item.noticed then return {} end
  local answered = {}
  for _, notice in ipairs(read_notices(id)) do
    if notice.outcome == '' then
      notice.outcome, notice.answered, notice.version = outcome, whole(now), item.version
      notice.automated = is_automatic and '1' or ''
      write_notice(id, notice)
      answered[#answered + 1] = notice
    end
  end
  redis.call('ZREM', P .. 'noticed', id)
  if #answered > 0 then keep_notices(id, answered) end
  return told_of(answered, outcome, is_automatic)
end

-- Take back the answers that a decision gave, which made the version. Returns the fields of told_of.
local function reopen_notices(id, item, version)
  local reopened = {}
  for _, notice in ipairs(item.noticed and read_notices(id) or {}) do
    if notice.outcome ~= '' and notice.version == version then
      notice.outcome, notice.answered, notice.version, notice.automated = '', nil, nil, nil
      write_notice(id, notice)
      reopened[#reopened + 1] = notice
    end
  end
  if #reopened > 0 then
    redis.call('ZADD', P .. 'noticed', reopened[1].at, id)
    keep_notices(id, reopened)
  end
  return told_of(reopened, 'open', false)
end

-- Forget what was said in the notices of a comment, and who said it: of one reader, or of all (nil).
local function forget_notices(id, reader)
  local forgotten = 0
  for _, notice in ipairs(read_notices(id)) do
    if notice.reader and (not reader or notice.reader == reader) then
      notice.reader, notice.text, notice.name, notice.mail = nil, nil, nil, nil
      write_notice(id, notice)
      forgotten = forgotten + 1
    end
  end
  return forgotten
end
