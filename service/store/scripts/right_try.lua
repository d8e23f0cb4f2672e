-- Do not count a successful sign-in attempt.
-- KEYS     HASHes n, until (ms): the tries of the account and of the address
-- ARGV[1]  1: the sign-in is complete, so the account's other tries are forgotten too
if ARGV[1] == '1' then redis.call('DEL', KEYS[1]) end
for _, key in ipairs(KEYS) do
  if (tonumber(redis.call('HGET', key, 'n')) or 0) > 0 then
    redis.call('HINCRBY', key, 'n', -1)
    redis.call('HDEL', key, 'until')
  end
end
return 1
