-- Set or remove the site's endpoint in one shard. Every shard has a copy, so that a script that changes a comment knows
-- whether to write an event. The copy of the first shard is authoritative; the audit entry is there too.
-- ARGV     action for the audit trail ('' : a copy), actor, fields of the hash (none: remove it)
local key = P .. 'webhook'
redis.call('DEL', key)
if #ARGV > 2 then redis.call('HSET', key, unpack(ARGV, 3)) end
if ARGV[1] ~= '' then audit(ARGV[1], ARGV[2], '', {}) end
return 1
