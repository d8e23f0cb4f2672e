-- Read a session with its account, and restart its idle timeout.
-- KEYS[1]  STRING session (JSON)   KEYS[2]  HASH name -> account (JSON)   KEYS[3]  HASH name -> preferences (JSON)
-- ARGV     idle timeout from now on (ms; 0: unchanged)
-- Returns  {session, account or nil, preferences or nil}; {} if there is no such session.
local session = redis.call('GET', KEYS[1])
if not session then return {} end
local name = cjson.decode(session).account
if ARGV[1] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {session, redis.call('HGET', KEYS[2], name), redis.call('HGET', KEYS[3], name)}
