-- Record a change of an author's status, with its audit entry and its event, in one step.
-- ARGV     author, version, the change (JSON), how many are kept, name of the author's events (see author_status.py),
--          status, until (ms; '' : for good), why, by, the author in the audit trail, status before, version that it
--          undoes ('')
-- Returns  1, or 0 if another change has this version or a later one.
local author, version, name, status = ARGV[1], ARGV[2], ARGV[5], ARGV[6]
local ends, why, by = ARGV[7], ARGV[8], ARGV[9]
local key = P .. 'statuses:' .. author
local newest = redis.call('LINDEX', key, 0)
if newest and cjson.decode(newest).version >= tonumber(version) then return 0 end

-- With the event's place in the feed, so that it can be erased with the author. A full Redis refuses here.
local item = {revision = '0', version = version, state = '', status = status, decided_by = ''}
local more = {'author', author, 'by', by}
for each, value in pairs({why = why, ends = ends}) do
  if value ~= '' then
    more[#more + 1] = each
    more[#more + 1] = value
  end
end
local at = tell('author.status_changed', 'author_status', name, item, now_ms(), 0, more)
redis.call('LPUSH', key, string.sub(ARGV[3], 1, -2) .. ',"event":"' .. at .. '"}')
redis.call('LTRIM', key, 0, tonumber(ARGV[4]) - 1)

local entry = {'author', ARGV[10], 'before', ARGV[11], 'after', status, 'version', version}
for each, value in pairs({why = why, ['until'] = ends, undoes = ARGV[12], request = REQUEST}) do
  if value ~= '' then
    entry[#entry + 1] = each
    entry[#entry + 1] = value
  end
end
redis.call('XADD', P .. 'audit', '*', 'action', 'author_status', 'actor', by, unpack(entry))
return 1
