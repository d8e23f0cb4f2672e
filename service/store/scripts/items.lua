-- Read a page of waiting comments; takes no lease.
-- KEYS[1]  index  ZSET of ids
-- KEYS[2]  item   prefix of HASH <id>
-- KEYS[3]  text   prefix of STRING <id>:<revision>
-- ARGV     first, last (positions)
-- Returns  [id, item as a flat list, content]...
local page = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2])) do
  local flat = redis.call('HGETALL', KEYS[2] .. id)
  local revision = redis.call('HGET', KEYS[2] .. id, 'revision')
  page[#page + 1] = {id, flat, redis.call('GET', KEYS[3] .. id .. ':' .. revision)}
end
return page
