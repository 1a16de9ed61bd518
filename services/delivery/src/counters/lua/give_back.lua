-- ARGV: generation, epoch, count. Never takes more than is granted and not shown.
local known = redis.call('HMGET', K, 'g', 'n' .. ARGV[2], 'x' .. ARGV[2])
if known[1] ~= ARGV[1] or not known[2] then return 0 end
local shown = redis.call('BITCOUNT', K .. ':' .. ARGV[1] .. ':' .. ARGV[2])
local given_back = tonumber(known[3] or '0')
local taken = math.max(0, math.min(tonumber(ARGV[3]), tonumber(known[2]) - given_back - shown))
if taken > 0 then redis.call('HSET', K, 'x' .. ARGV[2], given_back + taken) end
return taken
