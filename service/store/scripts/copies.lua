-- Comments that wait and share a fingerprint with another one; takes no lease.
-- ARGV     id of the other one, its fingerprints (a MessagePack array), how many at most
-- Returns  {id, item, content, appeal}..., in no order.
local page, seen = {}, {[ARGV[1]] = true}
for _, fingerprint in ipairs(cmsgpack.unpack(ARGV[2])) do
  for _, id in ipairs(redis.call('ZREVRANGE', P .. 'same:' .. fingerprint, 0, 1000)) do
    if #page >= tonumber(ARGV[3]) then return page end
    if not seen[id] and id ~= '' then
      seen[id] = true
      if redis.call('ZSCORE', P .. 'ready', id) then page[#page + 1] = answer(id, id, read_item(id)) end
    end
  end
end
return page
