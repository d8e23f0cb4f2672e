-- Store a ticket, which can be used once.
-- KEYS[1]  STRING ticket (JSON)
-- ARGV     ticket, how long it lasts (ms)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
