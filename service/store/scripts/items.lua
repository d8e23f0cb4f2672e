-- Read a page of waiting comments; takes no lease.
-- ARGV     index (ready, lease or escalated), first, last (positions)
-- Returns  {id, item, content, appeal}...
local page = {}
for _, id in ipairs(redis.call('ZRANGE', P .. ARGV[1], ARGV[2], ARGV[3])) do
  page[#page + 1] = answer(id, id, read_item(id))
end
return page
