-- Keeps an entry, unless its session has ended.
-- KEYS: the entry, the end. ARGV: the text of the entry, its life in milliseconds.
if redis.call('EXISTS', KEYS[2]) == 1 then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
