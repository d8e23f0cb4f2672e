-- Give a moderator more time for a comment that he or she holds.
-- KEYS[1]  item   HASH
-- KEYS[2]  lease  ZSET id -> lease end (ms)
-- KEYS[3]  held   ZSET of this moderator: id -> lease end (ms)
-- ARGV     id, moderator, token, revision, lease_ms, longest lease (ms after the claim)
-- Returns  {outcome, item as a flat list}; outcome is ok, stale, superseded, too_old or gone.
local id, moderator = ARGV[1], ARGV[2]
local item = fetch(KEYS[1])
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.revision ~= ARGV[4] then return {'superseded', redis.call('HGETALL', KEYS[1])} end
if item.state ~= 'leased' or item.owner ~= moderator or item.token ~= ARGV[3] then
  return {'stale', redis.call('HGETALL', KEYS[1])}
end
local now = now_ms()
local longest = tonumber(item.claimed) + tonumber(ARGV[6])
if now >= longest then return {'too_old', redis.call('HGETALL', KEYS[1])} end
local ends = math.min(now + tonumber(ARGV[5]), longest)
redis.call('ZREM', KEYS[2], id) -- takes no memory (see prelude.lua)
redis.call('ZADD', KEYS[2], ends, id)
redis.call('ZADD', KEYS[3], ends, id)
redis.call('PEXPIREAT', KEYS[3], ends + 86400000)
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', ends))
return {'ok', redis.call('HGETALL', KEYS[1])}
