-- A try to sign in was right: it does not count.
-- KEYS     HASHes n, until (ms): the tries of the account and of the address
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HINCRBY', KEYS[2], 'n', -1)
  redis.call('HDEL', KEYS[2], 'until')
end
return 1
