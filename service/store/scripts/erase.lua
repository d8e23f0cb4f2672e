-- Remove text, author and metadata of a comment everywhere. The id, the outcome and the times stay. Archives of labels
-- that were pulled before are told to remove the text.
-- ARGV     id, actor, ttl of the rest (s)
-- Returns  1 if something was erased, 0 if there was nothing to erase.
local id, key = ARGV[1], item_key(ARGV[1])
local erased = redis.call('DEL', P .. 'imported:' .. id)
local item = read_item(id)
if item.state == 'erased' then return erased end
local unsaid = forget_notices(id) > 0 -- notices outlive the state of a comment
-- An entry of the label feed that retracts all labels of this comment, of any revision.
local function retract_labels(version)
  redis.call('XADD', P .. 'labels', '*', 'id', id, 'revision', '0', 'version', version, 'decision', '', 'reason', '',
    'labels', '{}', 'actor', ARGV[2], 'source', 'erased', 'weight', '0', 'retracts', '*')
end
if not item.state then
  -- Its state may have expired, but archives may hold its text for longer: they are told, once.
  local is_first = redis.call('SET', P .. 'unknown:' .. id, 1, 'NX', 'EX', tonumber(ARGV[3]))
  if erased == 1 or is_first then retract_labels('0') end
  return unsaid and 1 or erased
end
local now, was = now_ms(), item.state
-- Fingerprints of its texts, some of which name the author. The first write takes no memory.
for _, packed in ipairs({item.prints or '', item.earlier or ''}) do
  for _, fingerprint in ipairs(packed ~= '' and cmsgpack.unpack(packed) or {}) do forget_print(fingerprint, id) end
end
for revision = 1, tonumber(item.revision) do
  local content = redis.call('GET', text_key(id, revision))
  local author, parent = author_of(content), parent_of(content)
  if parent then redis.call('ZREM', P .. 'replies:' .. parent, id) end
  if author then
    redis.call('ZREM', P .. 'author:' .. author, id)
    redis.call('HDEL', P .. 'strikes:' .. author, id)
  end
  redis.call('DEL', text_key(id, revision))
end
for _, each in ipairs(item.notes and redis.call('LRANGE', notes_key(id), 0, -1) or {}) do
  unmention(id, cjson.decode(each))
end
redis.call('DEL', P .. 'appeal:' .. id, P .. 'reports:' .. id, P .. 'reasons:' .. id, notes_key(id))
unlist(id, item)
lose_draw(id, item, 'erased', now)
bump(item)
item.state = 'erased'
unset(id, item, 'digest', 'prints', 'earlier', 'before_harmless', 'note', 'notes', 'article', 'section', 'language',
  'attributes', 'token', 'owner', 'claimed', 'until', 'against', 'voter', 'before_escalation', 'before_strike')
set(id, item, 'state', 'erased', 'version', item.version, 'erased', now)
redis.call('EXPIRE', key, tonumber(ARGV[3]))
redis.call('EXPIRE', P .. 'callback:' .. id, tonumber(ARGV[3]))
if erased == 1 or item.labelled or item.moderator or item.against then retract_labels(item.version) end
audit('erased', ARGV[2], id, item, was)
local told = answer_notices(id, item, 'withdrawn', now, false)
if was == 'decided' then
  happened('erased', id, item)
else
  tell('comment.withdrawn', 'erased', id, item, now, 0, told)
end
return 1
