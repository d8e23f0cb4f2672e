-- The strikes of an author were weighed after this decision.
-- ARGV     author, the decision as it was noted
-- Returns  1, or 0 if another decision came since, which must be weighed too.
if redis.call('HGET', P .. 'struck', ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', P .. 'struck', ARGV[1])
