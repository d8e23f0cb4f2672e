-- Add a note to a comment, for other moderators. The same text by the same moderator is the same note.
-- ARGV     id, moderator, id of the note, text, most notes, role (''), names of the moderators whom it mentions, with
--          spaces between them (''), most mentions of a moderator in this shard, for how long (s)
-- Returns  {outcome, item, content, appeal, notes}; outcome is ok, duplicate, full, expired or gone.
-- Keeps:   notes last as long as the text, and go with it.
local id, moderator, text = ARGV[1], ARGV[2], ARGV[4]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
local left_s = redis.call('TTL', text_key(id, item.revision)) -- -2: not there, -1: for as long as it waits
if left_s == -2 then return answer('expired', id, item) end
local notes = item.notes and redis.call('LRANGE', notes_key(id), 0, -1) or {}
for _, each in ipairs(notes) do
  local note = cjson.decode(each)
  if note.by == moderator and note.text == text and note.revision == item.revision then
    return answer('duplicate', id, item)
  end
end
if #notes >= tonumber(ARGV[5]) then return answer('full', id, item) end
local now, mentioned = now_ms(), {}
for name in string.gmatch(ARGV[7], '%S+') do mentioned[#mentioned + 1] = name end
redis.call('RPUSH', notes_key(id), cjson.encode({id = ARGV[3], by = moderator, at = whole(now), revision = item.revision,
  text = text, mentions = #mentioned > 0 and mentioned or nil}))
if left_s >= 0 then redis.call('EXPIRE', notes_key(id), left_s) end
item.notes = '1'
set(id, item, 'notes', '1')
audit('note_added', moderator, id, item, item.state, as_who({'note', ARGV[3]}, ARGV[6], ''))
for _, name in ipairs(mentioned) do
  local key = P .. 'mentions:' .. name
  redis.call('ZADD', key, now, ARGV[3] .. ' ' .. id)
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - tonumber(ARGV[8]))
  redis.call('EXPIRE', key, ARGV[9])
end
if #mentioned > 0 then happened('mentioned', id, item, {'moderator', moderator, 'mentioned', ARGV[7]}) end
return answer('ok', id, item)
