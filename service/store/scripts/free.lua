-- Take a comment from whoever holds it, for a supervisor, and return it to the queue. Its lease decides nothing any more.
-- ARGV     id, actor, holder as the actor saw it, role of the actor (''), how long the holder is not offered it (ms)
-- Returns  {outcome, item, content, appeal}; outcome is ok, duplicate (nobody holds it), stale (somebody else holds it, or
--          it waits for nobody's decision) or gone.
local id, actor, holder, skip_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if item.state == 'queued' then return answer('duplicate', id, item) end
if item.state ~= 'leased' or item.owner ~= holder then return answer('stale', id, item) end
put_back(id, item)
if item.assignee == holder then unassign(id, item) end
unset(id, item, 'token', 'owner', 'claimed', 'until')
local now, skipped = now_ms(), P .. 'skipped:' .. holder
redis.call('ZREMRANGEBYSCORE', skipped, '-inf', now)
redis.call('ZADD', skipped, now + skip_ms, id)
redis.call('PEXPIRE', skipped, skip_ms)
audit('freed', actor, id, item, 'leased', as_who({'holder', holder}, ARGV[4], ''))
happened('freed', id, item, {'moderator', actor, 'holder', holder})
happened('released', id, item)
return answer('ok', id, item)
