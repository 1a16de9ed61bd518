-- ARGV: generation, epoch, numbers. Answers one of 1 first, 2 again, 3 late for each number.
local known = redis.call('HMGET', K, 'g', 'n' .. ARGV[2])
local open = known[1] == ARGV[1] and known[2]
local next_number = tonumber(known[2] or '0')
local key = K .. ':' .. ARGV[1] .. ':' .. ARGV[2]
local answer, touched = {}, false
for i = 3, #ARGV do
    if not open or tonumber(ARGV[i]) >= next_number then
        answer[#answer + 1] = 3
    else
        answer[#answer + 1] = 1 + redis.call('SETBIT', key, ARGV[i], 1)
        touched = true
    end
end
if touched then redis.call('EXPIRE', key, 2 * KEEP_SECONDS) end
return answer
