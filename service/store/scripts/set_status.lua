-- Give an author, an article or a section a status, in one shard. Written to every shard, so that each decides by it in
-- the step that records a comment.
-- ARGV     name of the key (status:<author>, article:<id> or section:<name>), version (of the status, from 1), status
--          ('active' or 'open' : none), until (ms, 0: for good), by, why, note, at (ms)
-- Returns  1 if it was set, 0 if a later version is stored already.
return set_status(ARGV[1], {version = ARGV[2], status = ARGV[3], until_ms = ARGV[4], by = ARGV[5], why = ARGV[6],
  note = ARGV[7], at = ARGV[8]})
