-- A comment's state and the content of its revision, read at one instant.
-- ARGV     id
-- Returns  {'ok', item as a flat list (empty: unknown), content, appeal}
return shown('ok', ARGV[1])
