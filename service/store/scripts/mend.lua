-- Check comments and their places in the indexes, atomically for each comment, and repair the indexes: the state of a
-- comment is right, and the indexes follow it; so do readers' notices and what the author said against a rejection.
-- ARGV     '1' to repair, how long the author index lasts (s; 0: there is none), how long that of replies does (s), id...
-- Returns  {id, what is wrong}...
local mends, life_s, replies_s, found = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3]), {}
local now = now_ms()
-- What a comment's state is kept for at least; longer than any text of it.
local LIFE_S = 37 * 86400

-- Notices of readers: each is answered once its comment is, and `noticed` lists the comments with open ones.
local function look_at_notices(id, item, wrong)
  local there, notices = redis.call('ZSCORE', P .. 'noticed', id), {}
  if redis.call('EXISTS', notices_key(id)) == 1 then notices = read_notices(id) end
  local since
  for _, notice in ipairs(notices) do
    if notice.outcome == '' then since = since or notice.at end
    if notice.reader and redis.call('HEXISTS', P .. 'reporter:' .. notice.reader, 'c:' .. id) == 0 then
      wrong('has a notice that is not found by its reader', function()
        local life_s = math.max(redis.call('TTL', notices_key(id)), LIFE_S)
        remember_report(notice.reader, id, tonumber(notice.at), life_s)
      end)
    end
  end
  if #notices > 0 and redis.call('TTL', notices_key(id)) == -1 then
    wrong('has notices that are never forgotten', function()
      redis.call('EXPIRE', notices_key(id), math.max(tonumber(redis.call('HGET', notices_key(id), 'life') or '0'), LIFE_S))
    end)
  end
  if #notices > 0 and INDEX[item.state or ''] and not item.noticed then
    -- What decides it looks at this field alone.
    wrong('has notices that no decision would answer', function() set(id, item, 'noticed', '1') item.noticed = '1' end)
  end
  if since and INDEX[item.state or ''] then
    if not there then
      wrong('has an open notice and is not in noticed', function() redis.call('ZADD', P .. 'noticed', since, id) end)
    end
  elseif since then
    wrong('has an open notice and does not wait', function()
      item.noticed, item.version = '1', item.version or '0'
      local kept = item.status == 'approved' and 'kept' or 'restricted'
      local outcome = item.state == 'decided' and kept or 'withdrawn'
      answer_notices(id, item, outcome, now, item.state == 'decided' and item.decided_by ~= 'moderator')
    end)
  elseif there then
    wrong('in noticed without an open notice', function() redis.call('ZREM', P .. 'noticed', id) end)
  end
end

-- Complaints of authors: what they say is there as long as somebody must judge it, and then as long as the text.
local function look_at_appeal(id, item, wrong)
  local key = P .. 'appeal:' .. id
  local ttl, waits = redis.call('TTL', key), INDEX[item.state or ''] ~= nil
  if waits and item.appealed and item.appealed == item.revision then
    if ttl == -2 then
      found[#found + 1] = {id, 'waits with an appeal whose words are lost'}
    elseif ttl ~= -1 then
      wrong('waits with an appeal that would be forgotten', function() redis.call('PERSIST', key) end)
    end
  elseif ttl ~= -2 and item.state == 'erased' then
    wrong('erased, and its appeal is not', function() redis.call('DEL', key) end)
  elseif ttl == -1 and not waits then
    wrong('has an appeal that is never forgotten', function() redis.call('EXPIRE', key, LIFE_S) end)
  end
end

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
  local times = redis.call('ZSCORE', P .. 'stuck', id)
  if times and not place then
    wrong('in stuck and ' .. (item.state or 'not there'), function() redis.call('ZREM', P .. 'stuck', id) end)
  elseif mends and place and not times and tonumber(item.expiries or '0') >= 5 then -- of a release before that index
    redis.call('ZADD', P .. 'stuck', now, id)
  end
  if place and item.assignee and not redis.call('ZSCORE', P .. 'assigned:' .. item.assignee, id) then
    wrong('assigned and not listed', function() list_assigned(id, item.assignee, item.due or now) end)
  elseif mends and place and item.assignee then -- assigned by a release before the index of assignees
    redis.call('SADD', P .. 'assignees', item.assignee)
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
      redis.call('PERSIST', notes_key(id))
    end)
  elseif item.state and not place and redis.call('TTL', item_key(id)) == -1 then
    wrong('decided and never forgotten', function() redis.call('EXPIRE', item_key(id), LIFE_S) end)
  end

  look_at_notices(id, item, wrong)
  look_at_appeal(id, item, wrong)

  local content = item.state and redis.call('GET', text_key(id, item.revision))
  local author, parent = life_s > 0 and author_of(content), parent_of(content)
  if author and not redis.call('ZSCORE', P .. 'author:' .. author, id) then
    wrong('is not found by its author', function() remember_author(id, author, now, life_s) end)
  end

  -- Releases before that index kept replies without it: they are indexed by a repair, and nothing is wrong with them.
  if mends and parent and parent ~= id and not redis.call('ZSCORE', P .. 'replies:' .. parent, id) then
    remember_reply(id, parent, item.created, now, replies_s)
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

for n = 4, #ARGV do look(ARGV[n]) end
return found
