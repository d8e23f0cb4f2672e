-- Put a held comment back where it was; with skip, keep it from this moderator for a while.
-- KEYS[1]  item     HASH
-- KEYS[2]  ready    ZSET id -> due time (ms)
-- KEYS[3]  lease    ZSET id -> lease end (ms)
-- KEYS[4]  held     ZSET of this moderator: id -> lease end (ms)
-- KEYS[5]  skipped  ZSET of this moderator: id -> until (ms)
-- KEYS[6]  audit    STREAM
-- ARGV     site, id, moderator, token, revision, skip for (ms; 0: no skip)
-- Returns  {outcome, item as a flat list}; outcome is ok, stale, superseded or gone.
-- Keeps:   a comment that waits is in exactly one of ready, lease and escalated.
local id, moderator, skip_ms = ARGV[2], ARGV[3], tonumber(ARGV[6])
local item = fetch(KEYS[1])
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.revision ~= ARGV[5] then return {'superseded', redis.call('HGETALL', KEYS[1])} end
-- The same release again, after a lost reply: already done.
if item.released == ARGV[4] and item.state == 'queued' then return {'ok', redis.call('HGETALL', KEYS[1])} end
if item.state ~= 'leased' or item.owner ~= moderator or item.token ~= ARGV[4] then
  return {'stale', redis.call('HGETALL', KEYS[1])}
end
redis.call('ZREM', KEYS[3], id)
redis.call('ZREM', KEYS[4], id)
redis.call('ZADD', KEYS[2], item.due, id)
redis.call('HSET', KEYS[1], 'state', 'queued', 'released', item.token)
redis.call('HDEL', KEYS[1], 'token', 'owner', 'claimed', 'until')
if skip_ms > 0 then
  local now = now_ms()
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
  redis.call('ZADD', KEYS[5], now + skip_ms, id)
  redis.call('PEXPIRE', KEYS[5], skip_ms)
end
item.state = 'queued'
audit(KEYS[6], skip_ms > 0 and 'skipped' or 'released', moderator, id, item, 'leased')
announce(ARGV[1], 'queued', id)
return {'ok', redis.call('HGETALL', KEYS[1])}
