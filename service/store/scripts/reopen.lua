-- Return a decided comment to the queue, for a moderator who did not decide it.
-- ARGV     id, actor, version ('' : any), sla_ms, role ('')
-- Returns  {outcome, item, content, appeal}; outcome is ok, duplicate, stale, expired or gone.
local id = ARGV[1]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.state == 'queued' and item.why == 'reopened' then return answer('duplicate', id, item) end
if item.state ~= 'decided' or (ARGV[3] ~= '' and item.version ~= ARGV[3]) then return answer('stale', id, item) end
if redis.call('EXISTS', text_key(id, item.revision)) == 0 then return answer('expired', id, item) end
reopen(id, item, 'reopened', ARGV[2], now_ms(), tonumber(ARGV[4]), nil, ARGV[5])
return answer('ok', id, item)
