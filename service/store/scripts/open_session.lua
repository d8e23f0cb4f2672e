-- Store a session and add it to those of its account.
-- KEYS[1]  STRING session (JSON)          KEYS[2]  ZSET session id -> end (ms), of one account
-- ARGV     session id, session, idle (ms), end (ms), longest (ms)
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now_ms())
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
