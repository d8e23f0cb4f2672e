-- Change the status of an author if the strikes and approvals in all shards ask for it. Runs in the author's shard, after
-- a decision in any shard.
-- ARGV     author, the decision (MessagePack, as weigh_after in strikes.lua noted it), {strikes, approved, seen} of the
--          other shards, terms (see strikes.lua)
-- Returns  the newest change as JSON; false if there is none. Run again, it changes nothing.
local deed, elsewhere, terms = cmsgpack.unpack(ARGV[2]), cmsgpack.unpack(ARGV[3]), cmsgpack.unpack(ARGV[4])
return weigh(ARGV[1], deed, elsewhere, terms, now_ms())
