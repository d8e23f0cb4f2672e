-- What rules ask of one shard about a comment that another shard records.
-- ARGV     a MessagePack array: id, author (''), asks, fingerprints by kind (see rules.lua)
-- Returns  a fact for each ask; false: nothing is known.
local id, author, asks, asked = unpack(cmsgpack.unpack(ARGV[1]))
return facts_of(asks, {id = id, author = author, prints = asked}, now_ms())
