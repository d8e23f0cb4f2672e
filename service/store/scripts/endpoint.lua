-- Where the site wants to hear of its comments, and the secrets that are good now.
-- Returns  {endpoint as a flat list, secrets as a flat list, now}
return {redis.call('HGETALL', P .. 'webhook'), redis.call('HGETALL', P .. 'webhook:secrets'), whole(now_ms())}
