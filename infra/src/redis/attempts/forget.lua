-- Nothing is counted any more, and it is remembered for a while that this was said.
-- KEYS: the count. ARGV: now and when it may be forgotten that it was said, in microseconds; how long that is, in seconds.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'count', 0, 'last', ARGV[1], 'forget', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
