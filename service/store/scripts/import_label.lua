-- Store a label made elsewhere. The same label again changes nothing; another label with this id replaces it.
-- ARGV     id, digest, text, labels (JSON), decision, reason, source, weight, actor, ttl (s), community ('' : none)
-- Returns  1 if it is new, 0 if it is known.
local key = P .. 'imported:' .. ARGV[1]
local known = redis.call('HMGET', key, 'digest', 'cursor')
if known[1] == ARGV[2] then return 0 end
redis.call('HSET', key, 'digest', ARGV[2], 'text', ARGV[3])
redis.call('EXPIRE', key, tonumber(ARGV[10]))
if known[2] then
  -- The old line would now be read with the new text. Retract it for clients that have read it already.
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
