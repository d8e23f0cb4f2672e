-- Approve or refuse a proposal, with the audit entry; hold it while it is done; free it, or note that it is done.
-- ARGV     id, act (approve, refuse, hold, free, done), who
--          approve, refuse: the person (who, in small letters), run, held for (ms), then details of the audit entry (name,
--          value ...); hold: run, held for (ms); free: run
--          done: run, what is kept of the deed (JSON), the outcome (JSON)
--          run: the one approval whose deed this is; '' to refuse.
-- Returns  ok; gone; own: whoever proposed it may refuse it, not approve it; expired; refused; done; busy: another run
--          does it.
-- Safe to repeat: approved again, and not done yet, is ok without a second audit entry, once nobody holds it.
local id, act, who = ARGV[1], ARGV[2], ARGV[3]
local key, now = P .. 'approval:' .. id, now_ms()
local state = redis.call('HGET', key, 'state')
if not state then return 'gone' end
if state == 'refused' or state == 'done' then return state end

local function hold(run, held_ms) redis.call('HSET', key, 'run', run, 'run_until', whole(now + tonumber(held_ms))) end

if act == 'hold' or act == 'free' or act == 'done' then
  if redis.call('HGET', key, 'run') ~= ARGV[4] then return 'busy' end
  if act == 'hold' then
    hold(ARGV[4], ARGV[5])
  else
    redis.call('HDEL', key, 'run', 'run_until')
    if act == 'done' then redis.call('HSET', key, 'state', 'done', 'deed', ARGV[5], 'outcome', ARGV[6]) end
  end
  return 'ok'
end

local run, held_ms = ARGV[5], ARGV[6]
if act == 'approve' and redis.call('HGET', key, 'person') == ARGV[4] then return 'own' end
if state == 'approved' then
  if act ~= 'approve' then return 'done' end
  local other = redis.call('HGET', key, 'run')
  if other and other ~= run and tonumber(redis.call('HGET', key, 'run_until')) > now then return 'busy' end
  hold(run, held_ms)
  return 'ok'
end
if tonumber(redis.call('HGET', key, 'expires')) <= now then return 'expired' end

local now_state = act == 'approve' and 'approved' or 'refused'
redis.call('HSET', key, 'state', now_state, 'second', who, 'second_at', whole(now))
if act == 'approve' then hold(run, held_ms) end
local entry = {}
for each = 7, #ARGV do entry[#entry + 1] = ARGV[each] end
if REQUEST ~= '' then
  entry[#entry + 1] = 'request'
  entry[#entry + 1] = REQUEST
end
redis.call('XADD', P .. 'audit', '*', 'action', 'approval_' .. now_state, 'actor', who, 'approval', id,
  'proposed_by', redis.call('HGET', key, 'by'), unpack(entry))
return 'ok'
