-- Record the outcome of an event that a relay took. If another relay has leased it since, change nothing.
-- ARGV     id, version, token, outcome (delivered, failed, deferred or dead), attempts so far, delay (ms) of the
--          next attempt, least ttl of the callback URL then (s), why it is dead
-- Returns  {ok or stale, ms until the comment's next attempt or -1 if there is none}
-- Keeps:   out:due has exactly the comments with pending events. out:told has the comments with dead letters: how many,
--          and the last version delivered since the first of them died.
local id, version, outcome = ARGV[1], ARGV[2], ARGV[4]
local q, due, tries, told = P .. 'out:q:' .. id, P .. 'out:due', P .. 'out:tries', P .. 'out:told'
local token, _, of = string.match(redis.call('HGET', tries, id) or '', '^(%d+) (%d+) (%d+)$')
local head = redis.call('LINDEX', q, 0)
if token ~= ARGV[3] or of ~= version or not head then return {'stale', -1} end
local event = cjson.decode(head)
if event.version ~= version then return {'stale', -1} end
local now, delay = now_ms(), tonumber(ARGV[6])

if outcome == 'failed' or outcome == 'deferred' then
  redis.call('PERSIST', due) -- the first write takes no memory
  redis.call('HSET', tries, id, '0 ' .. ARGV[5] .. ' ' .. version)
  redis.call('ZADD', due, whole(now + delay), id)
  -- The text of a decided comment may expire before the last attempt, but the callback URL must not.
  local left = redis.call('TTL', P .. 'callback:' .. id)
  if left >= 0 and left < tonumber(ARGV[7]) then redis.call('EXPIRE', P .. 'callback:' .. id, ARGV[7]) end
  return {'ok', delay}
end

redis.call('LPOP', q) -- the first write takes no memory
redis.call('HDEL', tries, id)
local letters, last = string.match(redis.call('HGET', told, id) or '0 0', '^(%d+) (%d+)$')
if outcome == 'dead' then
  event.because, event.attempts, event.died = ARGV[8], ARGV[5], whole(now)
  event.callback = redis.call('GET', P .. 'callback:' .. id) or nil
  redis.call('HSET', P .. 'out:letters', id .. ':' .. version, cjson.encode(event))
  redis.call('ZADD', P .. 'out:dead', now, id .. ':' .. version)
  redis.call('HSET', told, id, (letters + 1) .. ' ' .. last)
elseif letters ~= '0' then
  redis.call('HSET', told, id, letters .. ' ' .. version)
end
local following = redis.call('LINDEX', q, 0)
if not following then
  redis.call('ZREM', due, id)
  return {'ok', -1}
end
local is_json, next_event = pcall(cjson.decode, following)
local at = math.max(now, is_json and type(next_event) == 'table' and tonumber(next_event.not_before) or 0)
redis.call('ZADD', due, whole(at), id)
return {'ok', at - now}
