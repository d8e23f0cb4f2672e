-- The automatic decision on a revision, for the audit entry of a moderator's decision. Inserted between the prelude and
-- a script. WORDS is generated from packing.py.

-- The position after the MessagePack value at a position. For types that cmsgpack does not read: bytes and times.
local function behind(data, at)
  local kind, inner = string.byte(data, at), 0
  local function length(bytes)
    local found = 0
    for i = at + 1, at + bytes do found = found * 256 + string.byte(data, i) end
    return found
  end
  if kind < 0x80 or kind >= 0xe0 or kind == 0xc0 or kind == 0xc2 or kind == 0xc3 then return at + 1 end
  if kind >= 0xa0 and kind < 0xc0 then return at + 1 + kind - 0xa0 end
  if kind == 0xd9 or kind == 0xc4 then return at + 2 + length(1) end
  if kind == 0xda or kind == 0xc5 then return at + 3 + length(2) end
  if kind == 0xdb or kind == 0xc6 then return at + 5 + length(4) end
  if kind == 0xcc or kind == 0xd0 then return at + 2 end
  if kind == 0xcd or kind == 0xd1 then return at + 3 end
  if kind == 0xca or kind == 0xce or kind == 0xd2 then return at + 5 end
  if kind == 0xcb or kind == 0xcf or kind == 0xd3 then return at + 9 end
  if kind >= 0xd4 and kind <= 0xd8 then return at + 2 + 2 ^ (kind - 0xd4) end
  if kind == 0xc7 then return at + 3 + length(1) end
  if kind < 0x90 then
    inner, at = 2 * (kind - 0x80), at + 1
  elseif kind < 0xa0 then
    inner, at = kind - 0x90, at + 1
  elseif kind == 0xdc then
    inner, at = length(2), at + 3
  elseif kind == 0xde then
    inner, at = 2 * length(2), at + 3
  else
    error('no value of ours: ' .. kind)
  end
  for _ = 1, inner do at = behind(data, at) end
  return at
end

-- As packing.py writes it: {comment, {action, scores, reasons, model, policy, ...}}.
local function judgement_of(content)
  if string.byte(content) == 123 then return cjson.decode(content).judgement, true end
  local is_read, both = pcall(cmsgpack.unpack, content)
  if is_read then return both[2], false end
  return select(2, cmsgpack.unpack_limit(content, 1, behind(content, 2) - 1)), false
end

-- The model, the policy and the decisive scores of a judgement, as a flat list for an audit entry.
local function judged(content)
  local judgement, is_named = judgement_of(content)
  local scores, model, policy = {}, judgement[4], judgement[5]
  if is_named then model, policy = judgement.model, judgement.policy end
  for _, reason in ipairs(is_named and judgement.reasons or judgement[3]) do
    local attribute, score = reason[2], reason[3]
    if is_named then attribute, score = reason.attribute, reason.score end
    if type(score) == 'number' then
      scores[#scores + 1] = string.format('%s %.6f', WORDS[attribute] or attribute, score)
    end
  end
  assert(type(model) == 'string' and type(policy) == 'string')
  local found = {'model', model, 'policy', policy}
  if #scores > 0 then
    found[5] = 'score'
    found[6] = table.concat(scores, ', ')
  end
  return found
end

-- Add these to an audit entry. Unreadable content adds nothing, because it must not keep the comment in the queue.
local function add_judgement(more, content)
  if not content then return end
  local is_read, found = pcall(judged, content)
  for _, value in ipairs(is_read and found or {}) do more[#more + 1] = value end
end
