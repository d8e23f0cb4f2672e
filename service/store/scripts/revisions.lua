-- Everything stored about a comment: its state, the author's appeal, moderators' notes, and each revision that has not
-- expired.
-- ARGV     id
-- Returns  {item as a flat list (empty: unknown), appeal, notes, {revision, content}...}
local flat = redis.call('HGETALL', item_key(ARGV[1]))
local newest = redis.call('HGET', item_key(ARGV[1]), 'revision')
local found = {flat, redis.call('GET', P .. 'appeal:' .. ARGV[1]), redis.call('LRANGE', notes_key(ARGV[1]), 0, -1)}
for revision = 1, tonumber(newest or '0') do
  local content = redis.call('GET', text_key(ARGV[1], revision))
  if content then found[#found + 1] = {revision, content} end
end
return found
