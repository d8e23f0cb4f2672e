-- Lease the most urgent waiting comments to one moderator, that moderator's own live leases first.
-- KEYS[1]  item      prefix of HASH <id>
-- KEYS[2]  text      prefix of STRING <id>:<revision>
-- KEYS[3]  ready     ZSET id -> due time (ms)
-- KEYS[4]  lease     ZSET id -> lease end (ms)
-- KEYS[5]  held      prefix of ZSET <moderator>: id -> lease end (ms)
-- KEYS[6]  skipped   ZSET id -> until when this moderator must not get it (ms)
-- KEYS[7]  token     counter; the fencing token grows with every grant
-- KEYS[8]  audit     STREAM
-- ARGV     site, moderator, how many, lease_ms, most that one may hold, offset into ready,
--          wanted attribute, article, section, why ('' for any)
-- Returns  {next offset or -1 at the end, [id, item as a flat list, content]...}
-- Keeps:   a comment that waits is in exactly one of ready, lease and escalated.
-- Bounded: 50 expired leases are put back and 200 ready members are read; the caller goes on at the next offset.
local site, moderator, wanted, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local most, offset = tonumber(ARGV[5]), tonumber(ARGV[6])
local now, held = now_ms(), KEYS[5] .. ARGV[2]
local SCAN = 200

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 50)) do
  -- Back where it was: the due time does not change. The token stays, so that a late decision still counts
  -- as long as nobody else was offered the comment.
  local item = fetch(KEYS[1] .. id)
  redis.call('ZREM', KEYS[4], id)
  redis.call('ZREM', KEYS[5] .. item.owner, id)
  redis.call('ZADD', KEYS[3], item.due, id)
  redis.call('HSET', KEYS[1] .. id, 'state', 'queued')
  redis.call('HINCRBY', KEYS[1] .. id, 'expiries', 1)
  item.state = 'queued'
  audit(KEYS[8], 'expired', item.owner, id, item, 'leased')
  announce(site, 'queued', id)
end

local given = {}
local function give(id)
  local revision = redis.call('HGET', KEYS[1] .. id, 'revision')
  given[#given + 1] = {id, redis.call('HGETALL', KEYS[1] .. id), redis.call('GET', KEYS[2] .. id .. ':' .. revision)}
end

if offset == 0 then
  for _, id in ipairs(redis.call('ZRANGE', held, 0, -1)) do
    if #given < wanted then give(id) end
  end
end
local open = redis.call('ZCARD', held)

local function matches(item)
  return (ARGV[7] == '' or string.find(',' .. item.attributes .. ',', ',' .. ARGV[7] .. ',', 1, true))
    and (ARGV[8] == '' or item.article == ARGV[8])
    and (ARGV[9] == '' or item.section == ARGV[9])
    and (ARGV[10] == '' or item.why == ARGV[10])
end

local taken, read = 0, redis.call('ZRANGE', KEYS[3], offset, offset + SCAN - 1)
for _, id in ipairs(read) do
  if #given >= wanted or open >= most then break end
  local item, skipped_until = fetch(KEYS[1] .. id), redis.call('ZSCORE', KEYS[6], id)
  if matches(item) and not (skipped_until and tonumber(skipped_until) > now) then
    redis.call('ZREM', KEYS[3], id)
    local token, ends = redis.call('INCR', KEYS[7]), now + lease_ms
    redis.call('ZADD', KEYS[4], ends, id)
    redis.call('ZADD', held, ends, id)
    redis.call('PEXPIREAT', held, ends + 86400000)
    redis.call('HSET', KEYS[1] .. id, 'state', 'leased', 'token', token, 'owner', moderator,
      'claimed', now, 'until', string.format('%.0f', ends))
    item.state = 'leased'
    audit(KEYS[8], 'claimed', moderator, id, item, 'queued', {'token', token})
    announce(site, 'claimed', id)
    give(id)
    open, taken = open + 1, taken + 1
  end
end
local goes_on = #read == SCAN and #given < wanted and open < most
return {goes_on and offset + SCAN - taken or -1, unpack(given)}
