-- Give an author, an article or a section a status, in one shard. Written to every shard, so that each decides by it in
-- the step that records a comment.
-- ARGV     name of the key (status:<author>, article:<id> or section:<name>), version (of the status, from 1), status
--          ('active' or 'open' : none), until (ms, 0: for good), by, why, note, at (ms)
-- Returns  1 if it was set, 0 if a later version is stored already.
local key, version = P .. ARGV[1], tonumber(ARGV[2])
local known = tonumber(redis.call('HGET', key, 'version') or '0') or 0
if version < known then return 0 end
redis.call('HSET', key, 'version', ARGV[2], 'status', ARGV[3], 'until', ARGV[4], 'by', ARGV[5], 'why', ARGV[6],
  'note', ARGV[7], 'at', ARGV[8])
-- A status that has ended is kept for another day, so that an older change that arrives late does not replace it.
local ends = tonumber(ARGV[4])
if ARGV[3] == 'active' or ARGV[3] == 'open' then
  redis.call('EXPIRE', key, 86400)
elseif ends > 0 then
  redis.call('PEXPIREAT', key, whole(ends + 86400000))
else
  redis.call('PERSIST', key)
end
return 1
