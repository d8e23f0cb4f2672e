-- Lease the most urgent waiting comments to a moderator; comments that the moderator already holds come first, then those
-- that are assigned to the moderator. What is reserved for somebody else is left out.
-- ARGV     moderator, how many, lease_ms, most leases of one moderator, offset into ready,
--          wanted attribute, article, section, why, language ('' for any), attributes not wanted (',a,b,' or ''),
--          '1' if only what is assigned to the moderator is wanted
-- Returns  {next offset or -1 at the end, {id, item, content, appeal, notes}...}
-- Bounded: returns 50 expired leases, reads 200 assigned comments and 200 members of ready. The caller continues at the
-- next offset.
local moderator, wanted, lease_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local most, offset = tonumber(ARGV[4]), tonumber(ARGV[5])
local now, held, SCAN = now_ms(), P .. 'held:' .. ARGV[1], 200

reap(now)

local given, own = {}, redis.call('ZRANGE', held, 0, -1)
for _, id in ipairs(offset == 0 and own or {}) do
  local found = #given < wanted and answer(id, id, read_item(id))
  if found and #found[2] > 0 then given[#given + 1] = found end
end
local open = #own

local function matches(id, item)
  if item.against and string.find(item.against, '\n' .. moderator .. '\n', 1, true) then return false end
  if is_reserved_for_another(item, moderator, now) then return false end
  if not ((ARGV[6] == '' or string.find(',' .. (item.attributes or '') .. ',', ',' .. ARGV[6] .. ',', 1, true))
    and (ARGV[7] == '' or item.article == ARGV[7])
    and (ARGV[8] == '' or item.section == ARGV[8])
    -- An audit must look like any other comment, also when comments are filtered.
    and (ARGV[9] == '' or (item.why == 'audit' and 'uncertain' or item.why) == ARGV[9])
    and (ARGV[10] == '' or item.language == ARGV[10])) then return false end
  if ARGV[11] ~= '' then
    -- A moderator who avoids any attribute gets no audits: one who avoids all would get only audits.
    if item.kind == 'audit' then return false end
    for attribute in string.gmatch(item.attributes or '', '[^,]+') do
      if string.find(ARGV[11], ',' .. attribute .. ',', 1, true) then return false end
    end
  end
  local skipped_until = redis.call('ZSCORE', P .. 'skipped:' .. moderator, id)
  return not (skipped_until and tonumber(skipped_until) > now)
end

local function take(id, item)
  lease(id, item, moderator, held, now, lease_ms)
  given[#given + 1] = answer(id, id, item)
  open = open + 1
end

local function full() return #given >= wanted or open >= most end
for _, id in ipairs(offset == 0 and redis.call('ZRANGE', P .. 'assigned:' .. moderator, 0, SCAN - 1) or {}) do
  if full() then break end
  local item = read_item(id)
  if item.assignee ~= moderator then unlist_assigned(id, moderator) end -- should not happen
  if item.state == 'queued' and item.assignee == moderator and matches(id, item) then take(id, item) end
end
if ARGV[12] == '1' then return {-1, unpack(given)} end

-- Read a few at a time, because usually the first ones match.
local read, passed, is_end = 0, 0, false
while read < SCAN and not is_end and not full() do
  local some = math.min(SCAN - read, wanted + 5)
  local ids = redis.call('ZRANGE', P .. 'ready', offset + passed, offset + passed + some - 1)
  is_end = #ids < some
  for _, id in ipairs(ids) do
    if full() then break end
    read = read + 1
    local item = read_item(id)
    if matches(id, item) then take(id, item) else passed = passed + 1 end
  end
end
return {(is_end or full()) and -1 or offset + passed, unpack(given)}
