-- Count a sign-in attempt before the password is checked, so that concurrent attempts cannot avoid the limit.
-- KEYS     HASHes n, until (ms): the tries of an account and of an address
-- ARGV     for each of KEYS: tries without a delay
-- Returns  how long to wait (ms), without counting the attempt; 0 : the attempt is allowed.
-- The delay doubles from one second to a quarter of an hour. Tries expire after a day without another one.
local now, wait = now_ms(), 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, (tonumber(redis.call('HGET', key, 'until')) or 0) - now)
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local over = redis.call('HINCRBY', key, 'n', 1) - tonumber(ARGV[i])
  if over > 0 then redis.call('HSET', key, 'until', whole(now + 1000 * math.min(900, 2 ^ (over - 1)))) end
  redis.call('EXPIRE', key, 86400)
end
return 0
