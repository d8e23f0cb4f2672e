-- The stored comments of an author, newest first, without texts.
-- ARGV     author, first, last (positions)
-- Returns  {number of comments, when the first was submitted (ms), {id, when (ms), state, status,
--          decided by (false: the model), moderator (false: none), '1' if an audit waits}...}; state is false if the
--          comment or its text has expired.
local key = P .. 'author:' .. ARGV[1]
local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
local found = {redis.call('ZCARD', key), tonumber(oldest[2] or '0')}
local flat = redis.call('ZREVRANGE', key, ARGV[2], ARGV[3], 'WITHSCORES')
for i = 1, #flat, 2 do
  local item = redis.call('HMGET', item_key(flat[i]), 'state', 'status', 'decided_by', 'moderator', 'kind', 'revision')
  local waits = item[1] == 'queued' or item[1] == 'leased' or item[1] == 'escalated'
  local is_kept = item[1] and redis.call('EXISTS', text_key(flat[i], item[6])) == 1
  found[#found + 1] = {flat[i], tonumber(flat[i + 1]), is_kept and item[1], item[2], item[3], item[4],
    item[5] == 'audit' and waits and '1' or '0'}
end
return found
