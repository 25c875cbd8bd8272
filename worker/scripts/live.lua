-- live.lua - ids of all calls not yet ended; the records are then read 100 at a time, while saves
-- of our own may already take members out, so ranks would skip some
-- KEYS: epoch live    ARGV: epoch
-- answers the ids, or 0 refused
local epoch = redis.call('GET', KEYS[1])
if not epoch or string.match(epoch, '^%S+') ~= ARGV[1] then
	return 0
end
return redis.call('ZRANGE', KEYS[2], 0, -1)
