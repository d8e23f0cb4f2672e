-- Record a change of the status of an article or a section, with its audit entry and its event, in one step.
-- ARGV     kind (article or section), name, version, the change (JSON), how many are kept, name of its events (see
--          articles.py), status, until (ms; '' : for good), by, status before ('' : after a loss of Redis, neither the
--          site nor the trail is told), for how long changes are kept after the end (s)
-- Returns  1, or 0 if another change has this version or a later one, or, after a loss, if there is any.
local kind, name, version, events, status = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[7]
local ends, by, kept_s, now = ARGV[8], ARGV[9], tonumber(ARGV[11]), now_ms()
local key, member = P .. 'changes:' .. kind .. ':' .. name, kind .. ':' .. name
local newest, is_told = redis.call('LINDEX', key, 0), ARGV[10] ~= ''
if newest and (not is_told or cjson.decode(newest).version >= tonumber(version)) then return 0 end

-- A full Redis refuses here.
local item = {revision = '0', version = version, state = '', status = status, decided_by = ''}
local more = {kind, name, 'by', by}
if ends ~= '' then
  more[#more + 1] = 'ends'
  more[#more + 1] = ends
end
if is_told then tell('article.status_changed', 'article_status', events, item, now, 0, more) end
redis.call('LPUSH', key, ARGV[4])
redis.call('LTRIM', key, 0, tonumber(ARGV[5]) - 1)
-- Those with a status, by when it ends; the others are forgotten.
redis.call('ZREMRANGEBYSCORE', P .. 'articles', '-inf', whole(now))
if status == 'open' then
  redis.call('ZREM', P .. 'articles', member)
  redis.call('EXPIRE', key, kept_s)
elseif ends ~= '' then
  redis.call('ZADD', P .. 'articles', ends, member)
  redis.call('PEXPIREAT', key, whole(tonumber(ends) + kept_s * 1000))
else
  redis.call('ZADD', P .. 'articles', '+inf', member)
  redis.call('PERSIST', key)
end
if not is_told then return 1 end

local entry = {kind, name, 'before', ARGV[10], 'after', status, 'version', version}
for each, value in pairs({['until'] = ends, request = REQUEST}) do
  if value ~= '' then
    entry[#entry + 1] = each
    entry[#entry + 1] = value
  end
end
redis.call('XADD', P .. 'audit', '*', 'action', 'article_status', 'actor', by, unpack(entry))
return 1
