-- Which automatic decisions were drawn for a blind audit, and what became of each. Stands between the prelude and a
-- script. All keys expire.
--
--   draws:<day>  HASH  <id> LF <revision> -> what was drawn and what became of it, as MessagePack (see draws.py); a day
--                      of Unix time; kept as long as labels
--   sampled:<day> the same for comments that were drawn because a model in shadow decides otherwise (see
--                draw_differing.lua). They are no part of the counters: estimates from them hold for such comments only.
--   learning:<day> the same for comments that were drawn because a model learns most from them. They are no part of the
--                counters: the more doubtful a comment, the likelier it is drawn.
--   drawing, sampling, teaching  HASH  day, drawn: audits of that day so far, step: how often their share was divided by
--                four
--   taught:<day> HASH  fingerprint -> how many comments with it were drawn to learn from on that day; two days
--
-- Of an item: `inclusion`, the probability with which it was drawn; `sampler`: nil for an audit, else shadow or learning;
-- `drawn`: when (ms); `answered`: with which verdict. `learning`: the probability, as long as the revision stays: each of
-- its labels says it. Without `answered` the audit is open. Keeps: a draw is open, answered or lost, and the counters of the hour of the
-- draw (drawn, audited, lost) say the same. Whoever answers it, and however late, the answer counts: what is appealed,
-- undone or reported is more often wrong than other comments, so leaving it out would flatter the estimate.
local DRAW_STATE, DRAW_DETAIL, DRAW_SETTLED, DRAW_BLIND = 9, 10, 11, 12

local RECORDED_IN = {shadow = 'sampled:', learning = 'learning:'}

local function draws_key(at, sampler)
  return P .. (RECORDED_IN[sampler] or 'draws:') .. math.floor(at / 86400000)
end

-- How often the share is divided by four now. Of `most` audits a day, half are drawn with the whole share, half of the
-- rest with a quarter of it, and so on: the limit is kept, and every comment has a chance that was known before the draw.
-- A day starts one step below the end of the day before, so that a busy site spreads its audits over the day.
local function draw_step(most, now, name)
  local kept = redis.call('HMGET', P .. name, 'day', 'drawn', 'step', 'until')
  local day = math.floor(now / 86400000)
  if tonumber(kept[1]) ~= day then
    local before = tonumber(kept[1]) and tonumber(kept[3]) - (day - tonumber(kept[1])) or 0
    return {day = day, drawn = 0, step = math.max(0, before), until_drawn = math.ceil(most / 2)}
  end
  local found = {day = day, drawn = tonumber(kept[2]), step = tonumber(kept[3]), until_drawn = tonumber(kept[4])}
  while found.drawn >= found.until_drawn and found.until_drawn < most do
    found.step = found.step + 1
    found.until_drawn = found.until_drawn + math.ceil((most - found.until_drawn) / 2)
  end
  return found
end

-- The share of a decision that is drawn now, as text: '' for none. `most`: audits a day ('' : any number).
-- `name`: of the counter of the day.
local function share_now(share, most, now, name)
  if share == '' or most == '' then return share, nil end
  local found = draw_step(tonumber(most), now, name)
  if found.drawn >= tonumber(most) then return '', found end
  if found.step == 0 then return share, found end
  return string.format('%.9g', tonumber(share) / 4 ^ found.step), found
end

local function note_drawing(found, name)
  redis.call('HSET', P .. name, 'day', found.day, 'drawn', found.drawn + 1, 'step', found.step,
    'until', found.until_drawn)
  redis.call('EXPIRE', P .. name, 30 * 86400)
end

local function taught_key(now) return P .. 'taught:' .. math.floor(now / 86400000) end

-- Whether a comment is drawn to learn from. `asked`: {probability, most a day in this shard, most of one cluster of near
-- copies in a day, its fingerprints, sla_ms}. `draw`: the comment's in [0, 1); audits take the lowest, these the highest.
-- Returns {share: the probability as text, drawing: as share_now returns it}, or nil. The probability falls as the day's
-- draws run out, and with each draw of a near copy, so it depends on earlier comments only.
local function drawn_to_learn(asked, draw, now)
  local share, drawing = share_now(asked[1], asked[2], now, 'teaching')
  if share == '' then
    count(now, 'passed_over:day')
    return nil
  end
  local copies = 0
  for _, n in ipairs(redis.call('HMGET', taught_key(now), unpack(asked[4]))) do
    copies = math.max(copies, tonumber(n or 0) or 0)
  end
  if copies >= asked[3] then
    count(now, 'passed_over:copies')
    return nil
  end
  if copies > 0 then share = string.format('%.9g', tonumber(share) / 4 ^ copies) end
  if 1 - tonumber(draw) > tonumber(share) then return nil end
  return {share = share, drawing = drawing}
end

-- Count a draw to learn from, for its day and its cluster.
local function note_learning(asked, drawing, now)
  note_drawing(drawing, 'teaching')
  for _, fingerprint in ipairs(asked[4]) do redis.call('HINCRBY', taught_key(now), fingerprint, 1) end
  redis.call('EXPIRE', taught_key(now), 2 * 86400)
end

-- Record a draw. `about`: {decision, share, scores, language, model, policy, decided by}, and if a model in shadow was the
-- cause also what it would have done, its digest, and that of the model in use. `sampler`: as of an item.
local function record_draw(id, revision, about, now, life_s, sampler)
  local key = draws_key(now, sampler)
  local decision, share = about[1], about[2]
  redis.call('HSET', key, id .. '\n' .. revision,
    cmsgpack.pack({whole(now), decision, share, about[3], about[4], about[5], about[6], about[7], 'open', '', '', '1',
      about[8] or '', about[9] or '', about[10] or ''}))
  if redis.call('TTL', key) == -1 then redis.call('EXPIRE', key, life_s + 2 * 86400) end
  if not sampler then count(now, 'drawn:' .. decision .. '@' .. share) end
end

local function change_draw(id, item, state, detail, at, is_blind)
  if not item.drawn then return end -- drawn before draws were recorded
  local key, field = draws_key(tonumber(item.drawn), item.sampler), id .. '\n' .. item.revision
  local kept = redis.call('HGET', key, field)
  if not kept then return end
  local draw = cmsgpack.unpack(kept)
  draw[DRAW_STATE], draw[DRAW_DETAIL], draw[DRAW_SETTLED], draw[DRAW_BLIND] = state, detail, at, is_blind and '1' or '0'
  redis.call('HSET', key, field, cmsgpack.pack(draw))
end

-- Whether a comment was drawn and nobody has answered yet.
local function is_open_draw(item) return item.inclusion and not item.answered end

-- A person answered the audit. `came_at`: when the comment came (ms), for what was drawn before draws were recorded.
local function answer_draw(id, item, verdict, came_at, now)
  if not item.sampler then
    count(tonumber(item.drawn) or came_at, 'audited:' .. item.decision .. '@' .. item.inclusion .. ':' .. verdict)
  end
  change_draw(id, item, 'answered', verdict, whole(now), item.kind == 'audit')
end

-- The answer was taken back: the audit is open again, and whoever answers now has seen the decision.
local function reopen_draw(id, item, verdict, came_at)
  if not item.sampler then
    count(tonumber(item.drawn) or came_at, 'audited:' .. item.decision .. '@' .. item.inclusion .. ':' .. verdict, -1)
  end
  change_draw(id, item, 'open', '', '', false)
end

-- Nobody can answer the audit any more, because the text is gone.
local function lose_draw(id, item, why, now)
  if not is_open_draw(item) or not item.drawn then return end
  if not item.sampler then count(tonumber(item.drawn), 'lost:' .. item.decision .. '@' .. item.inclusion .. ':' .. why) end
  change_draw(id, item, 'lost', why, whole(now), item.kind == 'audit')
end
