-- One step of a scan through the keys of a shard. A script, because in a Cluster a script runs on the right node.
-- ARGV     cursor of SCAN, pattern after the prefix, about how many keys to read
-- Returns  {next cursor ('0' : done), key...}
local step = redis.call('SCAN', ARGV[1], 'MATCH', P .. ARGV[2], 'COUNT', ARGV[3])
return {step[1], unpack(step[2])}
