-- Take in a label made elsewhere; the same label again changes nothing, another of the same id takes its place.
-- ARGV     id, digest, text, labels (JSON), decision, reason, source, weight, actor, ttl (s), community ('' : none)
-- Returns  1 when it was new, 0 when it was known.
local key = P .. 'imported:' .. ARGV[1]
local known = redis.call('HMGET', key, 'digest', 'cursor')
if known[1] == ARGV[2] then return 0 end
redis.call('HSET', key, 'digest', ARGV[2], 'text', ARGV[3])
redis.call('EXPIRE', key, tonumber(ARGV[10]))
if known[2] then
  -- Its line would now be read with the new text. Who has read it already must hear that it is none.
  redis.call('XDEL', P .. 'labels', known[2])
  redis.call('XADD', P .. 'labels', '*', 'id', ARGV[1], 'revision', '0', 'version', '0', 'decision', '', 'reason', '',
    'labels', '{}', 'actor', ARGV[9], 'source', 'replaced', 'weight', '0', 'retracts', known[2])
end
local entry = {'id', ARGV[1], 'revision', '0', 'version', '0', 'decision', ARGV[5],
  'reason', ARGV[6], 'labels', ARGV[4], 'actor', ARGV[9], 'source', ARGV[7], 'weight', ARGV[8]}
if ARGV[11] ~= '' then
  entry[#entry + 1] = 'community'
  entry[#entry + 1] = ARGV[11]
end
redis.call('HSET', key, 'cursor', redis.call('XADD', P .. 'labels', '*', unpack(entry)))
audit('labelled', ARGV[9], ARGV[1], {}, '', {'source', ARGV[7]})
return 1
