-- What people said of texts and links, by their fingerprints. Stands behind prints.lua.

-- Give a fingerprint that one comment had a set of its own. Nothing happens if it has one, or is forgotten.
local function spread(fingerprint)
  for _, key in ipairs({FIRST, BEFORE}) do
    local entry, born = unpack(redis.call('HMGET', key, fingerprint, ''))
    local at, id = string.match(entry or '', '^(%d+) (.*)$')
    if at then
      local window_s = string.match(born or '', ' (%d+)$') or whole(DAY_MS / 1000)
      redis.call('ZADD', same_key(fingerprint), 'NX', at, id)
      redis.call('EXPIRE', same_key(fingerprint), window_s)
      redis.call('ZADD', P .. 'prints', at, fingerprint)
      if redis.call('TTL', P .. 'prints') < 0 then redis.call('EXPIRE', P .. 'prints', window_s) end
      redis.call('HSET', key, fingerprint, SEVERAL)
    end
    if entry then return end
  end
end

local function mark(fingerprint, said)
  local key = same_key(fingerprint)
  if said then
    spread(fingerprint)
    if redis.call('EXISTS', key) == 1 then redis.call('ZADD', key, 'inf', said) end
  end
  for _, other in ipairs({HARMLESS, SPAM}) do
    if other ~= said then redis.call('ZREM', key, other) end
  end
end

-- A person said of a text that it is HARMLESS, or SPAM, or (nil) that it is not harmless. Returns what stood before, for
-- `restore_said`: for each fingerprint 1 (harmless), 2 (spam) or 0.
local function say_of_copies(packed_prints, said)
  if not packed_prints then return false end
  local before = {}
  for at, fingerprint in ipairs(cmsgpack.unpack(packed_prints)) do
    local was = said_of(fingerprint)
    before[at] = was == HARMLESS and '1' or was == SPAM and '2' or '0'
    if said or was == HARMLESS then mark(fingerprint, said) end
  end
  return table.concat(before)
end

local function restore_said(packed_prints, before)
  if not packed_prints or not before then return end
  for at, fingerprint in ipairs(cmsgpack.unpack(packed_prints)) do
    mark(fingerprint, ({['1'] = HARMLESS, ['2'] = SPAM})[string.sub(before, at, at)])
  end
end
