-- take.lua - a takeover: sets a new epoch, says what was there before; nothing else ever sets it
-- KEYS: epoch told next    ARGV: newest n that the taker has had, 32 random hex digits, run_id of this Redis
-- answers { new epoch, old epoch with its run_id or nil, told or nil, next or nil }
local old, told, next_offset = unpack(redis.call('MGET', KEYS[1], KEYS[2], KEYS[3]))
local n = tonumber(ARGV[1])
if old then
	n = math.max(n, tonumber(string.match(old, '^(%d+)%.')) or 0)
end
-- the number orders epochs, the random part makes each a value never used before
local new = string.format('%.0f.%s', n + 1, ARGV[2])
redis.call('SET', KEYS[1], new .. ' ' .. ARGV[3])
return { new, old, told, next_offset }
