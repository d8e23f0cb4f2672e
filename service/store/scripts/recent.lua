-- Read a part of the audit trail backwards: the submitted comments with their content and current state.
-- ARGV     newest entry to read ('+': the newest of all, '(id': before that one), how many entries,
--          prefix of the comment ids ('' : any)
-- Returns  {oldest entry read (false: there are none), number of entries read, {entry, id, revision, content,
--          state, status, decided by (false: the model), moderator (false: none), '1' if an audit waits}...}
-- Only the newest revision of a comment is returned. Without a text it was erased or has expired.
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
    -- A comment that expired and was submitted again has two entries; their times may differ slightly.
    local is_this = item[1] == revision and tonumber(string.match(entry[1], '^%d+')) >= tonumber(item[7]) - 1000
    if not item[1] or is_this then
      local waits = item[2] == 'queued' or item[2] == 'leased' or item[2] == 'escalated'
      found[#found + 1] = {entry[1], id, revision, redis.call('GET', text_key(id, revision)), item[2], item[3], item[4],
        item[5], item[6] == 'audit' and waits and '1' or '0'}
    end
  end
end
return found
