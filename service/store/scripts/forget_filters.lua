-- Erase the saved filters of a moderator, and the name from those that this moderator saved for the whole site.
-- ARGV     moderator
redis.call('DEL', P .. 'filters:' .. ARGV[1])
local shared = redis.call('HGETALL', P .. 'filters')
for i = 1, #shared, 2 do
  local filter = cjson.decode(shared[i + 1])
  if filter.by == ARGV[1] then
    filter.by = ''
    redis.call('HSET', P .. 'filters', shared[i], cjson.encode(filter))
  end
end
return 'ok'
