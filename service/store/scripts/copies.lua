-- Waiting comments that share a fingerprint with a given comment, without those reserved for somebody else. Takes no lease.
-- ARGV     id of the given comment, its fingerprints (a MessagePack array), how many at most, a moderator whose leased
--          comments count as waiting ('' : none)
-- Returns  {id, item, content, appeal}..., in no order.
local now = now_ms()
local page, seen = {}, {[ARGV[1]] = true}
local moderator = ARGV[4]

local function waits(id)
  return redis.call('ZSCORE', P .. 'ready', id)
    or (moderator ~= '' and redis.call('ZSCORE', P .. 'held:' .. moderator, id))
end

-- A comment that was edited still counts as a copy; the text that waits is another one.
local function has(id, fingerprint)
  local prints = redis.call('HGET', item_key(id), 'prints')
  for _, each in ipairs(prints and cmsgpack.unpack(prints) or {}) do
    if each == fingerprint then return true end
  end
  return false
end

for _, fingerprint in ipairs(cmsgpack.unpack(ARGV[2])) do
  for _, id in ipairs(redis.call('ZREVRANGE', P .. 'same:' .. fingerprint, 0, 1000)) do
    if #page >= tonumber(ARGV[3]) then return page end
    if not seen[id] and waits(id) and has(id, fingerprint) then
      seen[id] = true
      local item = read_item(id)
      if not is_reserved_for_another(item, moderator, now) then page[#page + 1] = answer(id, id, item) end
    end
  end
end
return page
