-- Remove text, author and metadata of a comment everywhere. The id, the outcome and the times stay. Archives of labels
-- that were pulled before are told to remove the text.
-- ARGV     id, actor, ttl of the rest (s)
-- Returns  1 if something was erased, 0 if there was nothing to erase.
local id, key = ARGV[1], item_key(ARGV[1])
local erased = redis.call('DEL', P .. 'imported:' .. id)
local item = read_item(id)
if item.state == 'erased' then return erased end
-- An entry of the label feed that retracts all labels of this comment, of any revision.
local function retract_labels(version)
  redis.call('XADD', P .. 'labels', '*', 'id', id, 'revision', '0', 'version', version, 'decision', '', 'reason', '',
    'labels', '{}', 'actor', ARGV[2], 'source', 'erased', 'weight', '0', 'retracts', '*')
end
if not item.state then
  -- Its state may have expired, but archives may hold its text for longer: they are told, once.
  local is_first = redis.call('SET', P .. 'unknown:' .. id, 1, 'NX', 'EX', tonumber(ARGV[3]))
  if erased == 1 or is_first then retract_labels('0') end
  return erased
end
local now, was = now_ms(), item.state
-- Fingerprints of the text, some of which name the author. The first write takes no memory.
for _, fingerprint in ipairs(item.prints and cmsgpack.unpack(item.prints) or {}) do
  local same = P .. 'same:' .. fingerprint
  -- What people said of its copies goes with the last of them.
  if redis.call('ZREM', same, id) == 1 and redis.call('ZCOUNT', same, '-inf', '(inf') == 0 then
    redis.call('DEL', same)
    redis.call('ZREM', P .. 'prints', fingerprint)
  end
end
for revision = 1, tonumber(item.revision) do
  local author = author_of(redis.call('GET', text_key(id, revision)))
  if author then
    redis.call('ZREM', P .. 'author:' .. author, id)
    redis.call('HDEL', P .. 'strikes:' .. author, id)
  end
  redis.call('DEL', text_key(id, revision))
end
redis.call('DEL', P .. 'appeal:' .. id, P .. 'reports:' .. id, P .. 'reasons:' .. id)
unlist(id, item)
lose_draw(id, item, 'erased', now)
bump(item)
item.state = 'erased'
unset(id, item, 'digest', 'prints', 'before_harmless', 'note', 'article', 'section', 'language', 'attributes',
  'token', 'owner', 'claimed', 'until', 'against', 'voter', 'before_escalation', 'before_strike')
set(id, item, 'state', 'erased', 'version', item.version, 'erased', now)
redis.call('EXPIRE', key, tonumber(ARGV[3]))
redis.call('EXPIRE', P .. 'callback:' .. id, tonumber(ARGV[3]))
if erased == 1 or item.labelled or item.moderator or item.against then retract_labels(item.version) end
audit('erased', ARGV[2], id, item, was)
if was == 'decided' then
  happened('erased', id, item)
else
  tell('comment.withdrawn', 'erased', id, item, now, 0)
end
return 1
