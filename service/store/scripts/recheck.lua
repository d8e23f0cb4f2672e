-- Have somebody else judge anew, blind, what a person decided: a label that may be wrong. Once for each revision.
-- ARGV     id, actor, label (its id in the stream of labels), sla_ms, most that may wait, role (''), names of those who may
--          decide comments, with spaces between them
-- Returns  {outcome, item, content, appeal}; outcome is ok, duplicate (it waits, or was judged by two), stale (the label is
--          not the comment's newest), own (each of them has judged it, so nobody could answer), expired, full or gone.
local id = ARGV[1]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.rechecked == item.revision or item.appealed == item.revision or item.state ~= 'decided' then
  return answer('duplicate', id, item)
end
if item.label ~= ARGV[3] then return answer('stale', id, item) end
if redis.call('EXISTS', text_key(id, item.revision)) == 0 then return answer('expired', id, item) end
local against, is_answered = (item.against or '\n') .. item.moderator .. '\n', false
for name in string.gmatch(ARGV[7], '%S+') do
  is_answered = is_answered or not string.find(against, '\n' .. name .. '\n', 1, true)
end
if not is_answered then return answer('own', id, item) end
if redis.call('ZCARD', P .. 'waiting') >= tonumber(ARGV[5]) then return answer('full', id, item) end
reopen(id, item, 'suspect', ARGV[2], now_ms(), tonumber(ARGV[4]), nil, ARGV[6], true)
set(id, item, 'rechecked', item.revision)
return answer('ok', id, item)
