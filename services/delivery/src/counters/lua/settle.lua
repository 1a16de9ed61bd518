-- ARGV: generation, b0, day, b1. Replaces the reservation of this generation, once; answers whether it did.
local known = redis.call('HMGET', K, 'g', 'ru')
if known[1] ~= ARGV[1] or (known[2] or '0') == '0' then return 0 end
redis.call('HSET', K, 'b0', ARGV[2], 'bd', ARGV[3], 'b1', ARGV[4], 'r0', '0', 'r1', '0', 'ru', '0')
return 1
