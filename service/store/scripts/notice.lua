-- Take a notice about a comment: it counts as a report, and a person decides on it.
-- ARGV     id, reader, id of the notice, kind (''), what the reader says, how long notices are kept (s), how long reports
--          are kept (s), sla_ms, most that may wait, what moderators see of it on the card, name and e-mail address of who
--          gives it with the form, 'form' if so (else these three are '')
-- Returns  {outcome, the notice (JSON) or false}; outcome is ok, queued, duplicate, limit, expired, full or gone.
local id, reader, kind, text = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', false} end
local earlier = read_notices(id)
for _, each in ipairs(earlier) do
  if each.reader == reader and each.revision == item.revision and (ARGV[13] == '' or each.text == text) then
    return {'duplicate', cjson.encode(each)}
  end
end
if #earlier >= MOST_NOTICES then return {'limit', false} end
local comes_back, now = item.state == 'decided' and item.status == 'approved', now_ms()
if comes_back then
  if redis.call('EXISTS', text_key(id, item.revision)) == 0 then return {'expired', false} end
  if redis.call('ZCARD', P .. 'waiting') >= tonumber(ARGV[9]) then return {'full', false} end
end
local notice = {id = ARGV[3], reader = reader, revision = item.revision, kind = kind, text = text, at = whole(now),
  outcome = ''}
if ARGV[11] ~= '' then notice.name = ARGV[11] end
if ARGV[12] ~= '' then notice.mail = ARGV[12] end
write_notice(id, notice) -- takes memory: a full Redis refuses here
redis.call('HSET', notices_key(id), 'life', ARGV[6])
item.noticed = '1'
set(id, item, 'noticed', '1')

local reports = P .. 'reports:' .. id
local is_new = redis.call('SADD', reports, reader) == 1
local life_s = keep_reports(id, tonumber(ARGV[7]))
remember_report(reader, id, now, tonumber(ARGV[7]))
if is_new then
  set(id, item, 'reports', redis.call('SCARD', reports))
  keep_reason(id, reader, kind, ARGV[10], now, life_s)
  count(now, 'reported')
end
keep_notices(id, {notice})
audit('noticed', 'reader', id, item, item.state,
  {'notice', notice.id, 'kind', kind, 'status', item.status, 'decided_by', item.decided_by})
if item.state == 'decided' and item.status == 'rejected' then -- it is restricted already
  answer_notices(id, item, 'restricted', now, item.decided_by ~= 'moderator')
  return {'ok', redis.call('HGET', notices_key(id), 'n:' .. notice.id)}
end
redis.call('ZADD', P .. 'noticed', 'NX', now, id)
if comes_back then
  reopen(id, item, 'reported', 'reader', now, tonumber(ARGV[8]))
elseif item.state == 'queued' then
  hurry(id, item, now + tonumber(ARGV[8]))
end
return {comes_back and 'queued' or 'ok', cjson.encode(notice)}
