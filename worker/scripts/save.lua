-- save.lua - one step of one call; with entries to clear it is the confirm
-- KEYS: epoch call live outbox told next
-- ARGV: 1 epoch  2 version it follows (16 hex digits)  3 value: version, stamp, record  4 call id
--       5 deadline  6 ms to keep it if it ended, else 0  7 told  8 next (-1: leave)
--       9 how many outbox entries to clear; these; then name and bytes of each event to add
-- answers 1 done (now, or by the same step before), 0 refused, 2 stale
-- Each redis.call costs about as much as all the Lua around it: no more of them than needed.
local epoch, told, next_offset = unpack(redis.call('MGET', KEYS[1], KEYS[5], KEYS[6]))
if not epoch or string.match(epoch, '^%S+') ~= ARGV[1] then
	return 0
end

-- a key of the partition that is none of ours: all its calls have to stop, not this one
local function kept(answer)
	return type(answer) ~= 'table' or not answer.err
end

local value = ARGV[3]
local present = redis.call('GETRANGE', KEYS[2], 0, 31)
local cleared = tonumber(ARGV[9])
if present ~= string.sub(value, 1, 32) then
	if (present == '' and '0000000000000000' or string.sub(present, 1, 16)) ~= ARGV[2] then
		return 2
	end
	-- the call itself last: what fails before has saved nothing
	local live = ARGV[6] == '0' and redis.pcall('ZADD', KEYS[3], ARGV[5], ARGV[4]) or redis.pcall('ZREM', KEYS[3], ARGV[4])
	if not kept(live) or #ARGV > 9 + cleared and not kept(redis.pcall('HSET', KEYS[4], unpack(ARGV, 10 + cleared))) then
		return 0
	end
	if ARGV[6] == '0' then
		redis.call('SET', KEYS[2], value)
	elseif redis.call('PTTL', KEYS[2]) > 0 then -- what follows the end must not make the call stay longer
		redis.call('SET', KEYS[2], value, 'KEEPTTL')
	else
		redis.call('SET', KEYS[2], value, 'PX', ARGV[6])
	end
end

-- the same again if the step was done before: a repeat may bring more acknowledgements
for i = 10, 9 + cleared, 1000 do
	redis.call('HDEL', KEYS[4], unpack(ARGV, i, math.min(i + 999, 9 + cleared)))
end
if tonumber(ARGV[7]) > (tonumber(told) or -1) then
	redis.call('SET', KEYS[5], ARGV[7])
end
if tonumber(ARGV[8]) > (tonumber(next_offset) or -1) then
	redis.call('SET', KEYS[6], ARGV[8])
end
return 1
