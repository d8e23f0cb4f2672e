-- Return a leased comment to the queue. With skip, do not offer it to this moderator for a while.
-- ARGV     id, moderator, token, revision, skip for (ms; 0: no skip)
-- Returns  {outcome, item, content, appeal}; outcome is ok, stale, superseded or gone.
local id, moderator, skip_ms = ARGV[1], ARGV[2], tonumber(ARGV[5])
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.revision ~= ARGV[4] then return answer('superseded', id, item) end
-- Repeated after a lost reply.
if item.released == ARGV[3] and item.state == 'queued' then return answer('ok', id, item) end
if item.state ~= 'leased' or item.owner ~= moderator or item.token ~= ARGV[3] then return answer('stale', id, item) end
put_back(id, item)
if skip_ms > 0 and item.assignee == moderator then unassign(id, item) end
set(id, item, 'released', item.token)
unset(id, item, 'token', 'owner', 'claimed', 'until')
if skip_ms > 0 then
  local now, skipped = now_ms(), P .. 'skipped:' .. moderator
  redis.call('ZREMRANGEBYSCORE', skipped, '-inf', now)
  redis.call('ZADD', skipped, now + skip_ms, id)
  redis.call('PEXPIRE', skipped, skip_ms)
end
audit(skip_ms > 0 and 'skipped' or 'released', moderator, id, item, 'leased')
happened('released', id, item)
return answer('ok', id, item)
