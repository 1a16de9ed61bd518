-- ARGV: generation, b0, day, b1, r0, r1, end of the reservation. Set if absent; answers the generation in force.
local known = redis.call('HGET', K, 'g')
if known then return tonumber(known) end
redis.call('HSET', K, 'g', ARGV[1], 'b0', ARGV[2], 'bd', ARGV[3], 'b1', ARGV[4], 'r0', ARGV[5], 'r1', ARGV[6],
    'ru', ARGV[7])
redis.call('EXPIRE', K, KEEP_SECONDS)
return tonumber(ARGV[1])
