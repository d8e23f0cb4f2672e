-- Remove a moderator's note from a comment.
-- ARGV     id, moderator, id of the note, '1' if the caller may remove what others wrote, role ('')
-- Returns  {outcome, item, content, appeal, notes}; outcome is ok (also if there is no such note), not_yours or gone.
local id, moderator = ARGV[1], ARGV[2]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
for _, each in ipairs(item.notes and redis.call('LRANGE', notes_key(id), 0, -1) or {}) do
  local note = cjson.decode(each)
  if note.id == ARGV[3] then
    if note.by ~= moderator and ARGV[4] ~= '1' then return answer('not_yours', id, item) end
    redis.call('LREM', notes_key(id), 1, each)
    unmention(id, note)
    audit('note_removed', moderator, id, item, item.state, as_who({'note', ARGV[3]}, ARGV[5], ''))
  end
end
if item.notes and redis.call('EXISTS', notes_key(id)) == 0 then
  item.notes = nil
  unset(id, item, 'notes')
end
return answer('ok', id, item)
