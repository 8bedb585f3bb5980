-- What is known of a token: its entry, and whether the session that the entry names has ended.
-- KEYS: the entry. ARGV: what the keys of ends begin with.
-- Whatever stands there, no more of it is looked at than an entry has.
local entry = redis.pcall('GETRANGE', KEYS[1], 0, 255)
if type(entry) ~= 'string' or entry == '' then
    return false
end
return { entry, redis.call('EXISTS', ARGV[1] .. string.sub(entry, 2, 33)) }
