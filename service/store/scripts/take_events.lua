-- Lease due events to a relay: only the oldest of each comment, so that one is in flight at a time.
-- ARGV     how many, lease_ms, '1' : with the content of the revision, pause of the site's endpoint (ms; 0: none)
-- Returns  {now, when the next is due or -1, how many were delayed, token, {id, event, attempts so far,
--          callback URL or false, content or false}...}
-- Bounded: 200 comments. While the site's endpoint pauses, its events are delayed here and stay in Redis.
local wanted, pause = tonumber(ARGV[1]), tonumber(ARGV[4])
local now, due, tries = now_ms(), P .. 'out:due', P .. 'out:tries'
local found = {whole(now), '-1', 0, 0}

local function take(id, head, callback)
  local is_json, event = pcall(cjson.decode, head)
  if not is_json or type(event) ~= 'table' or not event.version or not event.revision then
    -- It cannot be sent, but is returned so that the caller reports it.
    redis.call('ZADD', due, whole(now + 60000), id)
    found[#found + 1] = {id, head, '0', callback, false}
    return
  end
  local tried = redis.call('HGET', tries, id)
  local attempts, of = string.match(tried or '', '^%d+ (%d+) (%d+)$')
  if of ~= event.version then attempts = '0' end
  redis.call('ZADD', due, whole(now + tonumber(ARGV[2])), id)
  redis.call('HSET', tries, id, found[4] .. ' ' .. attempts .. ' ' .. event.version)
  local content = ARGV[3] == '1' and not callback and redis.call('GET', text_key(id, event.revision))
  found[#found + 1] = {id, head, attempts, callback, content}
end

local ids = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, pause > 0 and 200 or math.min(wanted, 200))
if #ids > 0 then
  redis.call('PERSIST', due) -- the first write takes no memory
  found[4] = redis.call('INCR', P .. 'token')
end
for _, id in ipairs(ids) do
  local head, callback = redis.call('LINDEX', P .. 'out:q:' .. id, 0), redis.call('GET', P .. 'callback:' .. id)
  if not head then
    redis.call('ZREM', due, id)
    redis.call('HDEL', tries, id)
  elseif pause > 0 and not callback then
    redis.call('ZADD', due, whole(now + pause), id)
    found[3] = found[3] + 1
  elseif #found < wanted + 4 then
    take(id, head, callback)
  end
end
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
found[2] = first[2] or '-1'
return found
