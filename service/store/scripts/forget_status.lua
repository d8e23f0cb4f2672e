-- Delete the changes of an author's status, also from the feed, the outbox and the dead letters. What was counted of the
-- author goes in every shard.
-- ARGV     author, name of the author's events, '1' to keep a ban that is in force: without who gave it, and why
-- Returns  1 if a ban is kept, else 0.
local key, name = P .. 'statuses:' .. ARGV[1], ARGV[2]
local changes = redis.call('LRANGE', key, 0, -1)
redis.call('DEL', key, P .. 'out:q:' .. name, P .. 'weighing:' .. ARGV[1]) -- the first write takes no memory
redis.call('ZREM', P .. 'out:due', name)
redis.call('HDEL', P .. 'out:tries', name)
redis.call('HDEL', P .. 'out:told', name)
for _, each in ipairs(changes) do
  local change = cjson.decode(each)
  local letter = name .. ':' .. change.version
  if change.event then redis.call('XDEL', P .. 'events', change.event) end
  redis.call('ZREM', P .. 'out:dead', letter)
  redis.call('HDEL', P .. 'out:letters', letter)
end
local newest = changes[1] and cjson.decode(changes[1])
local stays = newest and ARGV[3] == '1' and newest.status == 'banned'
  and (not newest.until_ms or newest.until_ms > now_ms())
if not stays then return 0 end
redis.call('LPUSH', key, cjson.encode({status = newest.status, version = newest.version, at = newest.at, by = 'erasure',
  ['until'] = newest['until'], until_ms = newest.until_ms}))
return 1
