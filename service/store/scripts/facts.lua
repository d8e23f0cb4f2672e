-- What rules ask of what is counted, and what is counted of a comment for them. Stands behind prints.lua.

-- What to count of a comment to which no rule applies unless a limit is passed, this comment counted. `watch` is flat, as
-- each table takes cmsgpack longer than ten numbers:
--   window (s) of fingerprints, how many of them are of the author, number of limits on rates, number of limits on
--   copies, number of rates to count;
--   each limit on a rate: key behind the prefix, window (s), most, whether it counts comments of the author;
--   each limit on copies: window (s), most, first, last: of fingerprints from the first to the last;
--   each rate to count: key behind the prefix, window (s);
--   the fingerprints, those of the author first
local function rates_at(watch) return 6 + 4 * (watch[3] + watch[4]) end

local function watched_prints(watch) return {unpack(watch, rates_at(watch) + 2 * watch[5])} end

local NO_RATES = {}
local function watched_rates(watch)
  if watch[5] == 0 then return NO_RATES end
  local rates, first = {}, rates_at(watch)
  for i = first, first + 2 * watch[5] - 1, 2 do rates[#rates + 1] = {watch[i], watch[i + 1]} end
  return rates
end

-- `is_new`: no comment of the author is found, so that none can be fast, and none a copy of another one.
local function passes_a_limit(watch, prints, is_new, id, now)
  local copies = 6 + 4 * watch[3]
  for i = 6, copies - 1, 4 do
    local is_possible = not (is_new and watch[i + 3])
    if is_possible and is_above(P .. watch[i], id, now, watch[i + 1], watch[i + 2]) then return true end
  end
  if not look_up(prints, is_new and watch[2] or 0) then return false end
  for i = copies, rates_at(watch) - 1, 4 do
    for at = watch[i + 2], watch[i + 3] do
      if copies_within(prints[at], id, now, watch[i]) + 1 > watch[i + 1] then return true end
    end
  end
  return false
end

-- The facts of one shard that rules ask for, in the order of `asks`: {what, parameters...}. A fact is a number; false:
-- nothing is known. `sent`: {id, author, fingerprints by kind}.
local function facts_of(asks, sent, now)
  local id, author, known, found = sent.id, sent.author, nil, {}
  local function of_author(name)
    if author == '' then return false end
    if not known then
      known = {}
      local flat = redis.call('HGETALL', who_key(author))
      for i = 1, #flat, 2 do known[flat[i]] = tonumber(flat[i + 1]) end
    end
    return known[name] or false
  end
  for at, ask in ipairs(asks) do
    local what, fact = ask[1], false
    if what == 'seen' or what == 'approved' then
      fact = of_author(what)
    elseif what == 'a' or what == 'r' then
      local today = math.floor(now / DAY_MS)
      fact = 0
      for day = today - ask[2] + 1, today do fact = fact + (of_author(what .. ':' .. day) or 0) end
    elseif what == 'rate' then
      fact = within(P .. ask[2], id, now, ask[3])
    elseif what == 'same' then
      fact = 0 -- the most of any of the fingerprints
      look_up(sent.prints[ask[2]] or {})
      for _, fingerprint in ipairs(sent.prints[ask[2]] or {}) do
        fact = math.max(fact, copies_within(fingerprint, id, now, ask[3]))
      end
    end
    found[at] = fact
  end
  return found
end

-- Count a comment. `rates`: {{name, window (s)}...}; `prints`: fingerprints; `window_s`: theirs; `new`: so many of them, the
-- first ones, no other comment can have.
local function count_comment(id, rates, prints, window_s, now, new)
  local at_ms = whole(now) -- as text, because Redis writes each number with all its digits
  for _, rate in ipairs(rates) do put_in_window(P .. rate[1], id, at_ms, rate[2], MOST_IN_RATE) end
  if #prints == 0 then return end
  look_up(prints, new)
  local several, mine = nil, at_ms .. ' ' .. id
  local is_begun = begin_anew(now, window_s)
  local fields = is_begun and {'', at_ms .. ' ' .. whole(window_s)} or {}
  for _, fingerprint in ipairs(prints) do
    local entry = looked[fingerprint]
    if not entry then
      entry = mine
    elseif entry ~= SEVERAL then
      local at, other = only_one(fingerprint)
      if other ~= id then
        entry = mine
        if at >= now - window_s * 1000 then
          redis.call('ZADD', same_key(fingerprint), 'NX', whole(at), other)
          entry = SEVERAL
        end
      end
    end
    if entry == SEVERAL then
      several = several or {}
      several[#several + 1] = fingerprint
    end
    fields[#fields + 1] = fingerprint
    fields[#fields + 1] = entry
  end
  redis.call('HSET', FIRST, unpack(fields))
  if is_begun then redis.call('EXPIRE', FIRST, whole(2 * window_s)) end
  if several then count_among_several(id, several, now, at_ms, whole(window_s)) end
end
