-- The rules that were announced are stored, or will not be.
--   named        how often that happened; who looked at the policies before must look again
-- ARGV     token, how long the count is kept (ms)
-- Returns  'ok'
redis.call('INCR', P .. 'named')
redis.call('PEXPIRE', P .. 'named', ARGV[2])
redis.call('HDEL', P .. 'naming', ARGV[1])
return 'ok'
