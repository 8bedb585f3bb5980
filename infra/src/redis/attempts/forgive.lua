-- Takes one attempt back. KEYS: the count.
if redis.call('TYPE', KEYS[1]).ok == 'hash' then
    local count = tonumber(redis.call('HGET', KEYS[1], 'count'))
    if count and count >= 1 then
        redis.call('HSET', KEYS[1], 'count', count - 1)
    end
end
