-- Takes one, by the generic cell rate algorithm. Returns how long it would have to wait, 0 when it was taken.
-- KEYS: when the next one would be due if all came evenly spaced; some seconds longer than that is of matter.
-- ARGV: now, between two, for how long ahead one may take. All in microseconds.
local now, interval, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local text = redis.pcall('GET', KEYS[1])
local due = type(text) == 'string' and string.match(text, '^%d+$') and #text <= 18 and tonumber(text) or now
-- Neither what is past nor a clock that jumped back.
local next = math.min(math.max(due, now), now + ahead) + interval
local wait = next - now - ahead
if wait > 0 then
    return wait
end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 10000)
return 0
