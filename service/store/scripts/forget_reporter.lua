-- Forget what a reader said in reports, and who it was. The reports stay counted. Some of them at a time.
-- ARGV     reader, how many reports at most, a name that nobody has, to stand for the reader
-- Returns  {how many were forgotten, how many are left}
local reader, name = ARGV[1], ARGV[3]
local key, forgotten = reporter_key(reader), 0
for _, field in ipairs(redis.call('HKEYS', key)) do
  local id = string.match(field, '^c:(.+)$')
  if id then
    if forgotten == tonumber(ARGV[2]) then break end
    forgotten = forgotten + 1
    forget_report(reader, id, name)
  end
end
local left = redis.call('HLEN', key)
if forgotten < tonumber(ARGV[2]) then
  left = 0
  redis.call('DEL', key)
end
return {forgotten, left}
