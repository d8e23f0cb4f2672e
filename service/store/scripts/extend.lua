-- Extend a moderator's lease.
-- ARGV     id, moderator, token, revision, lease_ms, longest lease (ms after the claim)
-- Returns  {outcome, item, content, appeal}; outcome is ok, stale, superseded, too_old or gone.
local id, moderator = ARGV[1], ARGV[2]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.revision ~= ARGV[4] then return answer('superseded', id, item) end
if item.state ~= 'leased' or item.owner ~= moderator or item.token ~= ARGV[3] then return answer('stale', id, item) end
local now = now_ms()
local longest = tonumber(item.claimed) + tonumber(ARGV[6])
if now >= longest then return answer('too_old', id, item) end
local ends, held = math.min(now + tonumber(ARGV[5]), longest), P .. 'held:' .. moderator
redis.call('ZREM', P .. 'lease', id) -- takes no memory
redis.call('ZADD', P .. 'lease', ends, id)
redis.call('ZADD', held, ends, id)
set(id, item, 'until', whole(ends))
return answer('ok', id, item)
