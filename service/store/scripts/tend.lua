-- Periodic work: end expired leases, decide comments that waited too long, delete old entries.
-- ARGV     longest wait (ms; 0: forever), status then, offset into waiting, label text ttl (s), hold (ms),
--          events kept (ms), labels kept (ms)
-- Returns  {leases put back, comments decided by expiry, next offset into waiting or -1}
-- Bounded: 50 leases, 50 waiting comments.
local now, longest, offset = now_ms(), tonumber(ARGV[1]), tonumber(ARGV[3])
local back, expired, following = reap(now), 0, -1
if longest > 0 then
  local late = redis.call('ZRANGEBYSCORE', P .. 'waiting', '-inf', now - longest, 'LIMIT', offset, 50)
  for _, id in ipairs(late) do
    local item = read_item(id)
    -- Leased and escalated comments and audits do not expire.
    if item.state == 'queued' and item.status == 'pending' then
      local more = {'decision', ARGV[2]}
      local content = redis.call('GET', text_key(id, item.revision))
      add_judgement(more, content)
      unlist(id, item)
      tally(author_of(content), 'pending', ARGV[2], now, now, tally_life(tonumber(ARGV[4])))
      bump(item)
      settle(id, item, ARGV[2], 'expiry', now, tonumber(ARGV[4]))
      audit('decided', 'expiry', id, item, 'queued', more)
      count(now, 'expired:' .. ARGV[2])
      local told = answer_notices(id, item, ARGV[2] == 'rejected' and 'restricted' or 'kept', now, true)
      tell('decision.created', 'decided', id, item, now, tonumber(ARGV[5]), told)
      expired = expired + 1
    end
  end
  if #late == 50 then following = offset + 50 - expired end
end
redis.call('XTRIM', P .. 'events', 'MINID', '~', whole(now - tonumber(ARGV[6])))
redis.call('XTRIM', P .. 'labels', 'MINID', '~', whole(now - tonumber(ARGV[7])))
return {back, expired, following}
