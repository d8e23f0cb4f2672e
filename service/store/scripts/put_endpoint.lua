-- Set or remove the site's endpoint in one shard. Every shard has a copy, so that a script that changes a comment knows
-- whether to write an event. The copy of the first shard is authoritative; the audit entry and the secrets are there too.
-- ARGV     action for the audit trail ('' : a copy), actor, sealed secret to store if there is none yet ('' : none),
--          fields of the hash (none: remove it)
-- Returns  1 if that secret is in force, else 0.
local key, secrets = P .. 'webhook', P .. 'webhook:secrets'
redis.call('DEL', key)
if #ARGV > 3 then redis.call('HSET', key, unpack(ARGV, 4)) end
if ARGV[3] ~= '' and redis.call('HSETNX', secrets, 'current', ARGV[3]) == 1 then
  redis.call('HSET', secrets, 'until', '0')
  audit('webhook_secret_made', ARGV[2], '', {})
end
if ARGV[1] ~= '' then audit(ARGV[1], ARGV[2], '', {}) end
return redis.call('HGET', secrets, 'current') == ARGV[3] and 1 or 0
