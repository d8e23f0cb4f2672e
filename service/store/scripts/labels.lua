-- Read labels in order, each with its text.
-- ARGV     start of the range, how many, '1' : backwards from that start, newest first
-- Returns  {stream id, entry as a flat list, content (revision > 0) or text (revision 0), false if erased}...
local page = {}
local entries = ARGV[3] == '1' and redis.call('XREVRANGE', P .. 'labels', ARGV[1], '-', 'COUNT', ARGV[2])
  or redis.call('XRANGE', P .. 'labels', ARGV[1], '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  local item = {}
  for i = 1, #entry[2], 2 do item[entry[2][i]] = entry[2][i + 1] end
  local kept = item.retracts and ''
    or item.revision == '0' and redis.call('HGET', P .. 'imported:' .. item.id, 'text')
    or redis.call('GET', text_key(item.id, item.revision))
  page[#page + 1] = {entry[1], entry[2], kept}
end
return page
