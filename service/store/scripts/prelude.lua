-- Stands before every script: what all operations share. Scripts are safe to run twice.
--
-- When memory is full, Redis refuses a script at its first write if that write takes memory, and lets a script that
-- has written go on. So submit begins with one that takes memory, and what drains the queue with one that does not.

-- One clock for everybody: Redis's own, in Unix milliseconds.
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- A hash as a Lua table; empty when the key does not exist.
local function fetch(key)
  local flat, map = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

-- One audit entry for one transition. No comment text, no author: those must stay erasable.
local function audit(stream, action, actor, id, item, from, more)
  local entry = {'action', action, 'actor', actor, 'comment', id, 'revision', item.revision or '0',
    'from', from or '', 'to', item.state or '', 'version', item.version or '0'}
  for _, value in ipairs(more or {}) do entry[#entry + 1] = value end
  redis.call('XADD', stream, '*', unpack(entry))
end

-- Counters of the hour, so that statistics need no scan. Kept 62 days.
local function count(prefix, now, field)
  local key = prefix .. math.floor(now / 3600000)
  if redis.call('HINCRBY', key, field, 1) == 1 then redis.call('EXPIRE', key, 62 * 86400) end
end

-- Tell waiting requests of every worker. Losing this message costs them time, nothing else.
local function announce(site, kind, id)
  redis.call('PUBLISH', 'cm:changes', site .. '\n' .. kind .. '\n' .. id)
end
