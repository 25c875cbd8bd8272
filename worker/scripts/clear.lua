-- clear.lua - takes acknowledged events out of the outbox, raises told and next
-- KEYS: epoch outbox told next
-- ARGV: 1 epoch  2 told  3 next (-1: leave)  then the names of the entries
-- answers 1 done, 0 refused
local epoch, told, next_offset = unpack(redis.call('MGET', KEYS[1], KEYS[3], KEYS[4]))
if not epoch or string.match(epoch, '^%S+') ~= ARGV[1] then
	return 0
end
for i = 4, #ARGV, 1000 do
	redis.call('HDEL', KEYS[2], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
if tonumber(ARGV[2]) > (tonumber(told) or -1) then
	redis.call('SET', KEYS[3], ARGV[2])
end
if tonumber(ARGV[3]) > (tonumber(next_offset) or -1) then
	redis.call('SET', KEYS[4], ARGV[3])
end
return 1
