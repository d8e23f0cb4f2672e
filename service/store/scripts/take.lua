-- Lease a given waiting comment to a moderator.
-- ARGV     id, moderator, lease_ms, most leases of one moderator
-- Returns  {outcome, item, content, appeal}; outcome is ok, duplicate (the moderator holds it already), stale (it does
--          not wait, or somebody else holds it), own, reserved (for somebody else), limit or gone.
local id, moderator, now = ARGV[1], ARGV[2], now_ms()
reap(now)
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.state == 'leased' and item.owner == moderator then return answer('duplicate', id, item) end
if item.state == 'decided' then return answer('conflict', id, item) end
if item.state ~= 'queued' then return answer('stale', id, item) end
if item.against and string.find(item.against, '\n' .. moderator .. '\n', 1, true) then return answer('own', id, item) end
if is_reserved_for_another(item, moderator, now) then return answer('reserved', id, item) end
local held = P .. 'held:' .. moderator
if redis.call('ZCARD', held) >= tonumber(ARGV[4]) then return answer('limit', id, item) end
lease(id, item, moderator, held, now, tonumber(ARGV[3]))
return answer('ok', id, item)
