-- Count a reader's report. Enough distinct readers return an approved comment to the queue; it stays visible meanwhile.
-- ARGV     id, digest of the reader, how many readers are enough, sla_ms, '1' if those approved by a person return too,
--          most that may wait, ttl (s), kind of the reason (''), the reason (''), '1' if a reader whose reports were mostly
--          dismissed counts half, reports of the reader that were upheld and dismissed in other shards
-- Returns  {outcome, item, content, appeal}; outcome is ok, queued, full or gone.
local id = ARGV[1]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
local reports, now = P .. 'reports:' .. id, now_ms()
local known = redis.call('SISMEMBER', reports, ARGV[2]) == 1
local count_after = redis.call('SCARD', reports) + (known and 0 or 1)
-- A person has judged it, perhaps in a blind audit. The same report repeated after the judgement does not count.
local halved = tonumber(item.halved) or 0
local is_half = not known and ARGV[10] == '1' and is_mostly_wrong(ARGV[2], tonumber(ARGV[11]), tonumber(ARGV[12]))
if is_half then halved = halved + 1 end
local halves = 2 * (count_after - (tonumber(item.reports_judged) or 0)) - (halved - (tonumber(item.halved_judged) or 0))
local comes_back = item.state == 'decided' and item.status == 'approved' and not known
  and halves >= 2 * tonumber(ARGV[3]) and (not item.moderator or ARGV[5] == '1')
  and redis.call('EXISTS', text_key(id, item.revision)) == 1
if comes_back and redis.call('ZCARD', P .. 'waiting') >= tonumber(ARGV[6]) then return answer('full', id, item) end
redis.call('SADD', reports, ARGV[2]) -- takes memory: a full Redis refuses here
local life_s = keep_reports(id, tonumber(ARGV[7]))
if not known then
  set(id, item, 'reports', count_after)
  if is_half then set(id, item, 'halved', halved) end
  remember_report(ARGV[2], id, now, tonumber(ARGV[7]))
  if ARGV[8] .. ARGV[9] ~= '' then keep_reason(id, ARGV[2], ARGV[8], ARGV[9], now, life_s) end
  audit('reported', 'reader', id, item, item.state)
  count(now, 'reported')
end
if comes_back then
  reopen(id, item, 'reported', 'reader', now, tonumber(ARGV[4]))
  return answer('queued', id, item)
end
if item.state == 'queued' and not known then hurry(id, item, now + tonumber(ARGV[4])) end
return answer('ok', id, item)
