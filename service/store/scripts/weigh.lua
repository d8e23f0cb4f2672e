-- Change the status of an author if the strikes and approvals in all shards ask for it. Runs in the author's shard, after
-- a decision in any shard.
-- ARGV     author, the decision (MessagePack, as weigh_after in strikes.lua noted it), {strikes, approved, seen} of the
--          other shards, terms (see strikes.lua), number of this weighing (see begin_weighing.lua)
-- Returns  the newest change as JSON; false if there is none; 0 if what it read of the other shards may be out of date, or a
--          newer release gave the status: then nothing was changed, and the decision must stay noted. Run again, it changes
--          nothing.
if redis.call('GET', P .. 'weighing:' .. ARGV[1]) ~= ARGV[5] then return 0 end
local deed, elsewhere, terms = cmsgpack.unpack(ARGV[2]), cmsgpack.unpack(ARGV[3]), cmsgpack.unpack(ARGV[4])
return weigh(ARGV[1], deed, elsewhere, terms, now_ms())
