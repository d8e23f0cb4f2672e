-- The status of authors: kept in every shard, with its changes in one. Stands between the prelude and a script.
--
--   status:<author>    HASH  the status now, by which comments are decided; the same in every shard
--   statuses:<author>  LIST  the changes as JSON (StatusChange in author_status.py), newest first; in one shard

-- Let this shard decide by a status, also of an article or a section (`name`: of the key). Returns 0 if a later version
-- is stored already.
local function set_status(name, change)
  local key, ends = P .. name, tonumber(change.until_ms) or 0
  local known = tonumber(redis.call('HGET', key, 'version') or '0') or 0
  if tonumber(change.version) < known then return 0 end
  redis.call('HSET', key, 'version', change.version, 'status', change.status, 'until', whole(ends), 'by', change.by,
    'why', change.why or '', 'note', change.note or '', 'at', change.at)
  -- A status that has ended is kept for another day, so that an older change that arrives late does not replace it.
  if change.status == 'active' or change.status == 'open' then
    redis.call('EXPIRE', key, 86400)
  elseif ends > 0 then
    redis.call('PEXPIREAT', key, whole(ends + 86400000))
  else
    redis.call('PERSIST', key)
  end
  return 1
end

-- Record a change with its audit entry and its event. `json`: the change; `change`: its fields, `until_ms` nil for good;
-- `of`: {name: of the author's events, pseudonym: in the audit trail, before: status, kept: how many changes,
-- comment, moderator: of the decision that led to it}.
local function log_status(author, json, change, of)
  local function put(into, values)
    for name, value in pairs(values) do
      if value ~= '' then
        into[#into + 1] = name
        into[#into + 1] = value
      end
    end
    return into
  end
  local ends, why = change.until_ms and whole(change.until_ms) or '', change.why or ''
  -- With the event's place in the feed, so that it can be erased with the author. A full Redis refuses here.
  local item = {revision = '0', version = change.version, state = '', status = change.status, decided_by = ''}
  local more = put({'author', author, 'by', change.by}, {why = why, ends = ends})
  local at = tell('author.status_changed', 'author_status', of.name, item, now_ms(), 0, more)
  local added = ',"event":"' .. at .. '"' .. (ends ~= '' and ',"until_ms":' .. ends or '') .. '}'
  redis.call('LPUSH', P .. 'statuses:' .. author, string.sub(json, 1, -2) .. added)
  redis.call('LTRIM', P .. 'statuses:' .. author, 0, of.kept - 1)
  redis.call('XADD', P .. 'audit', '*', 'action', 'author_status', 'actor', change.by, unpack(put(
    {'author', of.pseudonym, 'before', of.before, 'after', change.status, 'version', change.version},
    {why = why, ['until'] = ends, undoes = change.undoes or '', request = REQUEST, comment = of.comment or '',
      moderator = of.moderator or '', strikes = change.strikes or '', approvals = change.approvals or ''})))
end
