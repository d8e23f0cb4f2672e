-- What may be stuck in a shard: the most urgent that waits, what was put back five times, what waits for a supervisor
-- longest, and what is assigned to people who may decide nothing any more. Takes no lease.
-- ARGV     how many of each to look at, since when at the latest an escalation is late (ms), how many people to look at,
--          name of each who may decide...
-- Returns  {now, overdue, late escalations, {id, state, due, expiries, assignee, against, why, noticed, version,
--          escalated, created, voter}...}, each comment once; fields that are not there are false.
local most, late, now = tonumber(ARGV[1]), ARGV[2], now_ms()
local found = {now, redis.call('ZCOUNT', P .. 'ready', '-inf', now), redis.call('ZCOUNT', P .. 'escalated', '-inf', late)}
local seen = {}
local function look(index)
  for _, id in ipairs(redis.call('ZRANGE', P .. index, 0, most - 1)) do
    if not seen[id] then
      seen[id] = true
      found[#found + 1] = {id, unpack(redis.call('HMGET', item_key(id), 'state', 'due', 'expiries', 'assignee', 'against',
        'why', 'noticed', 'version', 'escalated', 'created', 'voter'))}
    end
  end
end
look('stuck')
look('escalated')
look('ready')
local decides, away = {}, 0
for n = 4, #ARGV do decides[ARGV[n]] = true end
for _, assignee in ipairs(redis.call('SMEMBERS', P .. 'assignees')) do
  if not decides[assignee] and away < tonumber(ARGV[3]) then
    away = away + 1
    look('assigned:' .. assignee)
  end
end
return found
