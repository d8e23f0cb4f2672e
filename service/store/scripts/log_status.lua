-- Record a change of an author's status, with its audit entry and its event, in one step.
-- ARGV     author, version, the change (JSON), how many are kept, name of the author's events (see author_status.py),
--          status, until (ms; '' : for good), why, by, the author in the audit trail, status before, version that it
--          undoes ('')
-- Returns  1, or 0 if another change has this version or a later one.
local author, version = ARGV[1], ARGV[2]
local newest = redis.call('LINDEX', P .. 'statuses:' .. author, 0)
if newest and cjson.decode(newest).version >= tonumber(version) then return 0 end
log_status(author, ARGV[3], {version = version, status = ARGV[6], until_ms = tonumber(ARGV[7]), why = ARGV[8],
  by = ARGV[9], undoes = ARGV[12]}, {name = ARGV[5], pseudonym = ARGV[10], before = ARGV[11], kept = tonumber(ARGV[4])})
return 1
