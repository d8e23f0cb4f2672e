-- Remove text, author and metadata of a comment everywhere; what stays is the id, the outcome and the times.
-- KEYS[1]  item       HASH
-- KEYS[2]  text       prefix of STRING <revision>
-- KEYS[3]  ready      ZSET
-- KEYS[4]  lease      ZSET
-- KEYS[5]  escalated  ZSET
-- KEYS[6]  waiting    ZSET
-- KEYS[7]  held       prefix of ZSET <moderator>
-- KEYS[8]  audit      STREAM
-- KEYS[9]  imported   HASH a label brought in from outside under the same id
-- ARGV     site, id, actor, ttl of what stays (s)
-- Returns  1 when something was erased, 0 when there was nothing (also the second time).
local id = ARGV[2]
local erased = redis.call('DEL', KEYS[9])
local item = fetch(KEYS[1])
if not item.state or item.state == 'erased' then return erased end
for revision = 1, tonumber(item.revision) do redis.call('DEL', KEYS[2] .. revision) end
for key = 3, 6 do redis.call('ZREM', KEYS[key], id) end
if item.owner then redis.call('ZREM', KEYS[7] .. item.owner, id) end
local was = item.state
item.state, item.version = 'erased', tostring(tonumber(item.version) + 1)
redis.call('HDEL', KEYS[1], 'digest', 'note', 'article', 'section', 'attributes', 'token', 'owner', 'claimed', 'until')
redis.call('HSET', KEYS[1], 'state', 'erased', 'version', item.version, 'erased', now_ms())
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[4]))
audit(KEYS[8], 'erased', ARGV[3], id, item, was)
announce(ARGV[1], 'erased', id)
return 1
