-- take.lua - a takeover: sets a new epoch, says what was there before; nothing else ever sets it
-- KEYS: epoch told next    ARGV: newest n that the taker has had, 32 random hex digits, run_id of this Redis,
--       the epoch that the taker's memory is of, or ''
-- answers { new epoch, old value or nil, told or nil, next or nil, 1 if nobody else had it since that memory }
local old, told, next_offset = unpack(redis.call('MGET', KEYS[1], KEYS[2], KEYS[3]))
local n, mine, kept = tonumber(ARGV[1]), ARGV[4], 0
if old then
	local epoch, memory = string.match(old, '^(%S+)%s*%S*%s*(%S*)')
	n = math.max(n, tonumber(string.match(old, '^(%d+)%.')) or 0)
	-- also where the takes in between were the taker's own, whose answers it never heard
	if mine ~= '' and (epoch == mine or memory == mine) then
		kept = 1
	end
end
-- the number orders epochs, the random part makes each a value never used before
local new = string.format('%.0f.%s', n + 1, ARGV[2])
redis.call('SET', KEYS[1], new .. ' ' .. ARGV[3] .. (kept == 1 and ' ' .. mine or ''))
return { new, old, told, next_offset, kept }
