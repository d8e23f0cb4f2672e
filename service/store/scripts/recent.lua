-- Read a part of the trail backwards: which comments were submitted, with what was judged and what became of it.
-- ARGV     newest entry to look at ('+': the newest of all, '(id': older than that one), how many entries,
--          how an id must begin ('' : anyhow)
-- Returns  {oldest entry looked at (false: there are none), how many were looked at, {entry, id, revision, content,
--          state, status, decided by (false: the model), moderator (false: none), '1' if an audit waits}...}
-- An earlier revision is passed over: the newest one stands for the comment. Without its text it is erased or expired.
local entries = redis.call('XREVRANGE', P .. 'audit', ARGV[1], '-', 'COUNT', ARGV[2])
local begins = ARGV[3]
local found = {#entries > 0 and entries[#entries][1], #entries}
for _, entry in ipairs(entries) do
  local flat = entry[2]
  -- As audit() writes it: action, actor, comment, revision.
  if flat[2] == 'submitted' and string.sub(flat[6], 1, #begins) == begins then
    local id, revision = flat[6], flat[8]
    local item = redis.call('HMGET', item_key(id), 'revision', 'state', 'status', 'decided_by', 'moderator', 'kind',
      'created')
    -- What was forgotten and came again stands in the trail twice; its clocks may differ by a moment.
    local is_this = item[1] == revision and tonumber(string.match(entry[1], '^%d+')) >= tonumber(item[7]) - 1000
    if not item[1] or is_this then
      local waits = item[2] == 'queued' or item[2] == 'leased' or item[2] == 'escalated'
      found[#found + 1] = {entry[1], id, revision, redis.call('GET', text_key(id, revision)), item[2], item[3], item[4],
        item[5], item[6] == 'audit' and waits and '1' or '0'}
    end
  end
end
return found
