-- Take in a label made elsewhere; the same label again changes nothing.
-- ARGV     id, digest, text, labels (JSON), decision, reason, source, weight, actor, ttl (s)
-- Returns  1 when it was new, 0 when it was known.
local key = P .. 'imported:' .. ARGV[1]
if redis.call('HGET', key, 'digest') == ARGV[2] then return 0 end
redis.call('HSET', key, 'digest', ARGV[2], 'text', ARGV[3])
redis.call('EXPIRE', key, tonumber(ARGV[10]))
redis.call('XADD', P .. 'labels', '*', 'id', ARGV[1], 'revision', '0', 'version', '0', 'decision', ARGV[5],
  'reason', ARGV[6], 'labels', ARGV[4], 'actor', ARGV[9], 'source', ARGV[7], 'weight', ARGV[8])
audit('labelled', ARGV[9], ARGV[1], {}, '', {'source', ARGV[7]})
return 1
