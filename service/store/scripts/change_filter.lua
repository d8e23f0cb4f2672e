-- Rename or delete a saved filter (see save_filter.lua).
--   filter_change:<digest of the filter's place>  STRING digest of the last change there: who made it, and the new name
-- ARGV     moderator ('': one of the whole site), who does it, '1' if that person may change what others saved, name in
--          small letters, new name in small letters ('': delete it), new name, how long a change is recognized (s)
-- Returns  'ok', 'gone', 'not_yours', or 'taken' when another one has the new name. A change repeated after a lost reply
--          is 'ok' again, unless the name is in use again.
local key = ARGV[1] == '' and P .. 'filters' or P .. 'filters:' .. ARGV[1]
local last = P .. 'filter_change:' .. redis.sha1hex(cjson.encode({ARGV[1], ARGV[4]}))
local change = redis.sha1hex(cjson.encode({ARGV[2], ARGV[6]}))
local kept = redis.call('HGET', key, ARGV[4])
if not kept then return redis.call('GET', last) == change and 'ok' or 'gone' end
local filter = cjson.decode(kept)
if filter.by ~= ARGV[2] and ARGV[3] ~= '1' then return 'not_yours' end
if ARGV[5] ~= '' and ARGV[5] ~= ARGV[4] and redis.call('HEXISTS', key, ARGV[5]) == 1 then return 'taken' end
redis.call('HDEL', key, ARGV[4])
if ARGV[5] ~= '' then
  filter.name = ARGV[6]
  redis.call('HSET', key, ARGV[5], cjson.encode(filter))
end
if ARGV[5] ~= ARGV[4] then redis.call('SET', last, change, 'EX', ARGV[7]) end
return 'ok'
