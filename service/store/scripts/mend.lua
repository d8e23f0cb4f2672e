-- Check comments and their places in the indexes, atomically for each comment, and repair the indexes: the state of a
-- comment is right, and the indexes follow it.
-- ARGV     '1' to repair, how long the author index lasts (s; 0: there is none), id...
-- Returns  {id, what is wrong}...
local mends, life_s, found = ARGV[1] == '1', tonumber(ARGV[2]), {}
local now = now_ms()

local function look(id)
  local item = read_item(id)
  local function wrong(what, mend)
    found[#found + 1] = {id, what}
    if mends then mend() end
  end

  local place = INDEX[item.state or '']
  for _, index in ipairs({'ready', 'lease', 'escalated', 'waiting'}) do
    local there = redis.call('ZSCORE', P .. index, id)
    local belongs = index == place or (index == 'waiting' and place ~= nil)
    if there and not belongs then
      wrong('in ' .. index .. ' and ' .. (item.state or 'not there'), function() redis.call('ZREM', P .. index, id) end)
    elseif belongs and not there then
      local score = index == 'ready' and item.due or index == 'lease' and item['until']
        or index == 'escalated' and item.escalated or item.queued or item.created or now
      wrong(item.state .. ' and not in ' .. index, function() redis.call('ZADD', P .. index, score, id) end)
    end
  end
  if item.state == 'leased' then
    local held = P .. 'held:' .. (item.owner or '')
    if not item.owner or not item.token then
      wrong('leased to nobody', function()
        unlist(id, item)
        set(id, item, 'state', 'queued')
        redis.call('ZADD', P .. 'ready', item.due or now, id)
        redis.call('ZADD', P .. 'waiting', item.queued or item.created or now, id)
      end)
    elseif not redis.call('ZSCORE', held, id) then
      wrong('leased and not held', function()
        redis.call('ZADD', held, item['until'], id)
      end)
    end
  end
  if item.token and tonumber(item.token) > tonumber(redis.call('GET', P .. 'token') or '0') then
    wrong('a token of the future', function() redis.call('SET', P .. 'token', item.token) end)
  end
  if place and redis.call('EXISTS', text_key(id, item.revision)) == 0 then
    -- Nobody can judge it any more. It is reported, and stays where moderators see it.
    found[#found + 1] = {id, 'waits without its text'}
  end
  if place and redis.call('TTL', item_key(id)) ~= -1 then
    wrong('waits and would be forgotten', function()
      redis.call('PERSIST', item_key(id))
      redis.call('PERSIST', text_key(id, item.revision))
    end)
  elseif item.state and not place and redis.call('TTL', item_key(id)) == -1 then
    wrong('decided and never forgotten', function() redis.call('EXPIRE', item_key(id), 37 * 86400) end)
  end

  local author = life_s > 0 and item.state and author_of(redis.call('GET', text_key(id, item.revision)))
  if author and not redis.call('ZSCORE', P .. 'author:' .. author, id) then
    wrong('is not found by its author', function() remember_author(id, author, now, life_s) end)
  end

  local queue, before = P .. 'out:q:' .. id, 0
  for _, event in ipairs(redis.call('LRANGE', queue, 0, -1)) do
    local version = tonumber(version_of(event))
    if version then -- fsck.py finds the others
      if version <= before then found[#found + 1] = {id, 'events out of order'} end
      before = version
    end
  end
  local events, due = redis.call('LLEN', queue), redis.call('ZSCORE', P .. 'out:due', id)
  if events > 0 and not due then
    wrong('has events that are never told', function() redis.call('ZADD', P .. 'out:due', now, id) end)
  elseif due and events == 0 then
    wrong('is due to tell nothing', function() redis.call('ZREM', P .. 'out:due', id) end)
  end
end

for n = 3, #ARGV do look(ARGV[n]) end
return found
