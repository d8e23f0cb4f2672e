-- A comment's state and the content of its revision, read at one instant.
-- KEYS[1]  item  HASH
-- KEYS[2]  text  prefix of STRING <revision>
-- Returns  {item as a flat list, content}
local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then return {flat, false} end
return {flat, redis.call('GET', KEYS[2] .. redis.call('HGET', KEYS[1], 'revision'))}
