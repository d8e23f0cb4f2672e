-- One step through the keys of a shard. As a script, because in a Cluster only a script knows which node to ask.
-- ARGV     cursor of SCAN, what follows the prefix (a pattern), about how many keys to look at
-- Returns  {next cursor ('0' : done), key...}
local step = redis.call('SCAN', ARGV[1], 'MATCH', P .. ARGV[2], 'COUNT', ARGV[3])
return {step[1], unpack(step[2])}
