-- Which automatic decisions were drawn for a blind audit, and what became of each. Stands between the prelude and a
-- script. All keys expire.
--
--   draws:<day>  HASH  <id> LF <revision> -> what was drawn and what became of it, as MessagePack (see draws.py); a day
--                      of Unix time; kept as long as labels
--   drawing      HASH  day, drawn: audits of that day so far, step: how often their share was divided by four
--
-- Of an item: `inclusion`, the probability with which it was drawn; `drawn`: when (ms); `answered`: with which verdict.
-- Without `answered` the audit is open. Keeps: a draw is open, answered or lost, and the counters of the hour of the
-- draw (drawn, audited, lost) say the same. Whoever answers it, and however late, the answer counts: what is appealed,
-- undone or reported is more often wrong than other comments, so leaving it out would flatter the estimate.
local DRAW_STATE, DRAW_DETAIL, DRAW_SETTLED, DRAW_BLIND = 9, 10, 11, 12

local function draws_key(at) return P .. 'draws:' .. math.floor(at / 86400000) end

-- How often the share is divided by four now. Of `most` audits a day, half are drawn with the whole share, half of the
-- rest with a quarter of it, and so on: the limit is kept, and every comment has a chance that was known before the draw.
-- A day starts one step below the end of the day before, so that a busy site spreads its audits over the day.
local function draw_step(most, now)
  local kept = redis.call('HMGET', P .. 'drawing', 'day', 'drawn', 'step', 'until')
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
local function share_now(share, most, now)
  if share == '' or most == '' then return share, nil end
  local found = draw_step(tonumber(most), now)
  if found.drawn >= tonumber(most) then return '', found end
  if found.step == 0 then return share, found end
  return string.format('%.9g', tonumber(share) / 4 ^ found.step), found
end

local function note_drawing(found)
  redis.call('HSET', P .. 'drawing', 'day', found.day, 'drawn', found.drawn + 1, 'step', found.step,
    'until', found.until_drawn)
  redis.call('EXPIRE', P .. 'drawing', 30 * 86400)
end

-- Record a draw. `about`: {decision, share, scores, language, model, policy, decided by}.
local function record_draw(id, revision, about, now, life_s)
  local key = draws_key(now)
  local decision, share = about[1], about[2]
  redis.call('HSET', key, id .. '\n' .. revision,
    cmsgpack.pack({whole(now), decision, share, about[3], about[4], about[5], about[6], about[7], 'open', '', '', '1'}))
  if redis.call('TTL', key) == -1 then redis.call('EXPIRE', key, life_s + 2 * 86400) end
  count(now, 'drawn:' .. decision .. '@' .. share)
end

local function change_draw(id, item, state, detail, at, is_blind)
  if not item.drawn then return end -- drawn before draws were recorded
  local key, field = draws_key(tonumber(item.drawn)), id .. '\n' .. item.revision
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
  count(tonumber(item.drawn) or came_at, 'audited:' .. item.decision .. '@' .. item.inclusion .. ':' .. verdict)
  change_draw(id, item, 'answered', verdict, whole(now), item.kind == 'audit')
end

-- The answer was taken back: the audit is open again, and whoever answers now has seen the decision.
local function reopen_draw(id, item, verdict, came_at)
  count(tonumber(item.drawn) or came_at, 'audited:' .. item.decision .. '@' .. item.inclusion .. ':' .. verdict, -1)
  change_draw(id, item, 'open', '', '', false)
end

-- Nobody can answer the audit any more, because the text is gone.
local function lose_draw(id, item, why, now)
  if not is_open_draw(item) or not item.drawn then return end
  count(tonumber(item.drawn), 'lost:' .. item.decision .. '@' .. item.inclusion .. ':' .. why)
  change_draw(id, item, 'lost', why, whole(now), item.kind == 'audit')
end
