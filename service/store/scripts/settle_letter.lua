-- Queue a dead letter again, in order of version among the comment's events, or delete it.
-- ARGV     id, version, 'replay' or 'forget', ttl of the callback URL (s)
-- Returns  ok; superseded: the receiver has a newer version, so it stays; busy: a newer one is being sent;
--          unknown: no such letter.
local id, version, member = ARGV[1], ARGV[2], ARGV[1] .. ':' .. ARGV[2]
local q, due, tries, told = P .. 'out:q:' .. id, P .. 'out:due', P .. 'out:tries', P .. 'out:told'
local kept, waiting = redis.call('HGET', P .. 'out:letters', member), redis.call('LRANGE', q, 0, -1)
if not kept then
  for _, each in ipairs(waiting) do -- repeated after a lost reply
    if version_of(each) == version then return 'ok' end
  end
  return 'unknown'
end
local letters, last = string.match(redis.call('HGET', told, id) or '1 0', '^(%d+) (%d+)$')

local following
if ARGV[3] == 'replay' then
  if tonumber(last) > tonumber(version) then return 'superseded' end
  for _, each in ipairs(waiting) do
    if not following and (tonumber(version_of(each)) or 0) > tonumber(version) then following = each end
  end
  local token = string.match(redis.call('HGET', tries, id) or '', '^(%d+) ')
  if following and following == waiting[1] and token and token ~= '0' then return 'busy' end
end

redis.call('ZREM', P .. 'out:dead', member)
redis.call('HDEL', P .. 'out:letters', member)
if letters == '1' then redis.call('HDEL', told, id) else redis.call('HSET', told, id, (letters - 1) .. ' ' .. last) end
if ARGV[3] == 'forget' then return 'ok' end

local event, now = cjson.decode(kept), now_ms()
local callback = event.callback
event.because, event.attempts, event.died, event.callback = nil, nil, nil, nil
local again = cjson.encode(event)
if following then redis.call('LINSERT', q, 'BEFORE', following, again) else redis.call('RPUSH', q, again) end
if redis.call('LINDEX', q, 0) == again then
  redis.call('HDEL', tries, id)
  redis.call('ZADD', due, whole(now), id)
end
if callback then
  local url = P .. 'callback:' .. id
  if redis.call('EXISTS', url) == 0 then redis.call('SET', url, callback, 'EX', ARGV[4]) end
end
return 'ok'
