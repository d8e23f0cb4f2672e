-- Draw a comment for a blind audit because a model in shadow would have decided otherwise. Bounded: a number a day.
-- ARGV     id, revision, draw in [0, 1), share to draw, most a day, share of the comments that were compared, sla_ms,
--          most that may wait, ttl (s), digests of the model in shadow and of the one in use, what the former would have
--          done, language, model, policy
-- Returns  1 if it waits now as an audit, else 0. A repeated call changes nothing.
local id, now = ARGV[1], now_ms()
local item = read_item(id)
if item.state ~= 'decided' or item.revision ~= ARGV[2] or item.moderator or item.drawn or item.decided_by == 'expiry' then
  return 0
end
if redis.call('EXISTS', text_key(id, item.revision)) == 0 then return 0 end
local share, drawing = share_now(ARGV[4], ARGV[5], now, 'sampling')
if share == '' or tonumber(ARGV[3]) >= tonumber(share) then return 0 end
local inclusion = string.format('%.9g', tonumber(share) * tonumber(ARGV[6]))
local is_full = redis.call('ZCARD', P .. 'waiting') >= tonumber(ARGV[8])
if not is_full then reopen(id, item, 'differs', 'shadow', now, tonumber(ARGV[7]), nil, '', true) end
note_drawing(drawing, 'sampling')
record_draw(id, item.revision, {item.decision, inclusion, '', ARGV[13], ARGV[14], ARGV[15], item.decided_by, ARGV[12],
  ARGV[10], ARGV[11]}, now, tonumber(ARGV[9]), 'shadow')
set(id, item, 'sampler', 'shadow', 'inclusion', inclusion, 'drawn', whole(now))
if is_full then
  item.sampler, item.inclusion, item.drawn, item.kind = 'shadow', inclusion, whole(now), 'audit'
  lose_draw(id, item, 'queue_full', now)
  unset(id, item, 'sampler', 'inclusion')
  return 0
end
return 1
