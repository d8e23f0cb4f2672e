-- Assign a waiting comment to a moderator, or to nobody any more.
-- ARGV     id, actor, assignee ('' : nobody), role of the actor ('')
-- Returns  {outcome, item, content, appeal, notes}; outcome is ok, duplicate (it stands so), stale (it does not wait), own
--          (the assignee may not judge it) or gone.
-- Who holds a comment and assigns it to somebody else gives it back.
local id, actor, assignee = ARGV[1], ARGV[2], ARGV[3]
local item = read_item(id)
if not item.state or item.state == 'erased' then return {'gone', {}} end
if not INDEX[item.state] then return answer('stale', id, item) end
if (item.assignee or '') == assignee then return answer('duplicate', id, item) end
if assignee ~= '' and item.against and string.find(item.against, '\n' .. assignee .. '\n', 1, true) then
  return answer('own', id, item)
end
local before = item.assignee
if before then unassign(id, item) end
if assignee ~= '' then
  local now = now_ms()
  local due = tonumber(item.due) or now
  list_assigned(id, assignee, due)
  set(id, item, 'assignee', assignee, 'assigned', whole(now), 'reserved', reserved_until(now, due))
end
local was = item.state
if was == 'leased' and item.owner == actor and assignee ~= '' and assignee ~= actor then
  put_back(id, item)
  unset(id, item, 'token', 'owner', 'claimed', 'until')
end
local kind = assignee ~= '' and 'assigned' or 'unassigned'
audit(kind, actor, id, item, was, as_who({'assignee', assignee ~= '' and assignee or before}, ARGV[4], ''))
happened(kind, id, item, {'moderator', actor, 'assignee', assignee})
if was ~= item.state then happened('released', id, item) end
return answer('ok', id, item)
