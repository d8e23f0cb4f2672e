-- Store an account, unless it was changed meanwhile.
-- KEYS[1]  HASH name -> account (JSON)
-- ARGV     name, revision that the change is based on (0: a new account), account
-- Returns  1, or 0 when another change came first.
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if (kept and cjson.decode(kept).revision or 0) ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
