-- Counts an attempt as failed before it is made, unless it must wait. Returns how long it must, in seconds, 0 for not at all; and what is counted now.
-- KEYS: the count.
-- ARGV: now; when this attempt is forgotten; the failures that are free; the first wait and the longest, in seconds;
--       then what the process itself knows: how many, the last, when forgotten; zeros for nothing. Times are in microseconds.
-- Times are handed on as texts: as numbers they would be rounded when they are written.
local key, now, free, first, longest = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function whole(text)
    return text and #text <= 18 and string.match(text, '^%-?%d+$') and tonumber(text)
end

local function put(count, last, forget)
    redis.call('DEL', key)
    redis.call('HSET', key, 'count', count, 'last', last, 'forget', forget)
    redis.call('PEXPIRE', key, math.max(longest, 1) * 1000)
end

local count, last, forget = 0, nil, nil
-- Something that never ends was not written by us.
if redis.call('TYPE', key).ok == 'hash' and redis.call('PTTL', key) > 0 then
    local kept = redis.call('HMGET', key, 'count', 'last', 'forget')
    local known, kept_last, kept_forget = whole(kept[1]), whole(kept[2]), whole(kept[3])
    if known and kept_last and kept_forget and now < kept_forget then
        count, last, forget = math.min(math.max(known, 0), 1000000000), kept[2], kept[3]
    end
end
-- The process may have gone on counting on its own, or this server have lost what it knew.
if now < tonumber(ARGV[8]) and (not last or tonumber(ARGV[7]) > tonumber(last)) then
    count, last, forget = math.max(count, tonumber(ARGV[6])), ARGV[7], ARGV[8]
    put(count, last, forget)
end

local beyond = count - free
if last and beyond > 0 then
    local wait = math.min(first * 2 ^ math.min(beyond - 1, 32), longest)
    local left = tonumber(last) + wait * 1000000 - now
    if left > 0 then
        return { math.min(math.ceil(left / 1000000), longest), count, last, forget }
    end
end

count = count + 1
put(count, ARGV[1], ARGV[2])
return { 0, count, ARGV[1], ARGV[2] }
