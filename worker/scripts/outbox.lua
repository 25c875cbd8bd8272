-- outbox.lua - one part of the outbox: events saved, but not yet known to be told
-- KEYS: epoch outbox    ARGV: epoch, cursor ('0' begins)
-- answers { next cursor ('0': that was all), { name, bytes, name, bytes ... } }, or 0 refused
local epoch = redis.call('GET', KEYS[1])
if not epoch or string.match(epoch, '^%S+') ~= ARGV[1] then
	return 0
end
return redis.call('HSCAN', KEYS[2], ARGV[2], 'COUNT', 100)
