-- The webhook endpoint of the site, and the valid secrets.
-- Returns  {endpoint as a flat list, secrets as a flat list, now}
return {redis.call('HGETALL', P .. 'webhook'), redis.call('HGETALL', P .. 'webhook:secrets'), whole(now_ms())}
