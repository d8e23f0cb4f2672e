-- Store a site's policy as its next version, and where a promise was broken tell the site.
-- ARGV     new version, policy (JSON), actor, name, action of the audit entry, its further details (flat JSON list),
--          name of the promise's events ('' : nothing broke), which target broke, then the lists of the site that must
--          be there
-- Returns  1, 0 when another change came first, or the names of the lists that are not there.
-- Version 1 is the default, which is not stored. Versions before the newest may be lost (recovery.py).
local key, newest = P .. 'policies', 1
for _, version in ipairs(redis.call('HKEYS', key)) do newest = math.max(newest, tonumber(version)) end
if newest + 1 ~= tonumber(ARGV[1]) then return 0 end
local gone = {}
for each = 9, #ARGV do
  if redis.call('HEXISTS', P .. 'lists', ARGV[each]) == 0 then gone[#gone + 1] = ARGV[each] end
end
if #gone > 0 then return gone end
redis.call('HSET', key, ARGV[1], ARGV[2])
redis.call('HSET', P .. 'policies:by', ARGV[1], whole(now_ms()) .. ' ' .. ARGV[3])
local more = {'policy', ARGV[4] .. '@' .. ARGV[1]}
for _, detail in ipairs(cjson.decode(ARGV[6])) do more[#more + 1] = detail end
audit(ARGV[5], ARGV[3], '', {}, '', more)
if ARGV[7] ~= '' then
  local item = {revision = '0', version = ARGV[1], state = '', status = 'broken', decided_by = ''}
  tell('promise.broken', 'promise', ARGV[7], item, now_ms(), 0,
    {'promise', ARGV[8], 'policy', ARGV[4] .. '@' .. ARGV[1]})
end
return 1
