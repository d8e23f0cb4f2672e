-- Delete the changes of an author's status, also from the feed, the outbox and the dead letters.
-- ARGV     author, name of the author's events
-- Returns  how many changes there were.
local key, name = P .. 'statuses:' .. ARGV[1], ARGV[2]
local changes = redis.call('LRANGE', key, 0, -1)
redis.call('DEL', key, P .. 'out:q:' .. name) -- the first write takes no memory
redis.call('ZREM', P .. 'out:due', name)
redis.call('HDEL', P .. 'out:tries', name)
redis.call('HDEL', P .. 'out:told', name)
for _, each in ipairs(changes) do
  local change = cjson.decode(each)
  local letter = name .. ':' .. change.version
  redis.call('XDEL', P .. 'events', change.event)
  redis.call('ZREM', P .. 'out:dead', letter)
  redis.call('HDEL', P .. 'out:letters', letter)
end
return #changes
