-- After a loss of Redis: restore the status of an author from the exported audit trail, without an event. A status that
-- is here already is newer, and stays.
-- ARGV     author, the change (JSON), version, status, until (ms, 0: for good), by, why, at (ms)
-- Returns  1 if it was restored, else 0.
local key = P .. 'statuses:' .. ARGV[1]
if redis.call('EXISTS', key) == 1 then return 0 end
local ends = tonumber(ARGV[5])
redis.call('LPUSH', key, string.sub(ARGV[2], 1, -2) .. (ends > 0 and ',"until_ms":' .. whole(ends) or '') .. '}')
set_status('status:' .. ARGV[1], {version = ARGV[3], status = ARGV[4], until_ms = ends, by = ARGV[6], why = ARGV[7],
  at = ARGV[8]})
return 1
