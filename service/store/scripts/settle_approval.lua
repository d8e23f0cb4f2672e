-- Approve or refuse a proposal, with the audit entry, or note that it is done.
-- ARGV     id, act (approve, refuse, done), who
--          approve, refuse: the person (who, in small letters), then details of the audit entry (name, value ...)
--          done: what is kept of the deed (JSON), the outcome (JSON)
-- Returns  ok; gone; own: whoever proposed it may refuse it, not approve it; expired; refused; done.
-- Safe to repeat: approved again, and not done yet, is ok without a second audit entry.
local id, act, who = ARGV[1], ARGV[2], ARGV[3]
local key, now = P .. 'approval:' .. id, now_ms()
local state = redis.call('HGET', key, 'state')
if not state then return 'gone' end
if act == 'done' then
  redis.call('HSET', key, 'state', 'done', 'deed', ARGV[4], 'outcome', ARGV[5])
  return 'ok'
end
if state == 'refused' or state == 'done' then return state end
if act == 'approve' and redis.call('HGET', key, 'person') == ARGV[4] then return 'own' end
if state == 'approved' then return act == 'approve' and 'ok' or 'done' end
if tonumber(redis.call('HGET', key, 'expires')) <= now then return 'expired' end

local now_state = act == 'approve' and 'approved' or 'refused'
redis.call('HSET', key, 'state', now_state, 'second', who, 'second_at', whole(now))
local entry = {}
for each = 5, #ARGV do entry[#entry + 1] = ARGV[each] end
if REQUEST ~= '' then
  entry[#entry + 1] = 'request'
  entry[#entry + 1] = REQUEST
end
redis.call('XADD', P .. 'audit', '*', 'action', 'approval_' .. now_state, 'actor', who, 'approval', id,
  'proposed_by', redis.call('HGET', key, 'by'), unpack(entry))
return 'ok'
