-- A comment's state and the content of its revision, read atomically.
-- ARGV     id
-- Returns  {'ok', item as a flat list (empty: unknown), content, appeal}
return answer('ok', ARGV[1], read_item(ARGV[1]))
