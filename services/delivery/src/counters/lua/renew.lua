-- ARGV: the life that is over. Gives the server a new one, unless another node did; answers {life, number}.
local life = redis.call('HGET', KEYS[1], 'life')
local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
if not life or life == ARGV[1] then
    local time = redis.call('TIME')
    life = string.format('%x.%x.%d', tonumber(time[1]), tonumber(time[2]), number)
    redis.call('HSET', KEYS[1], 'life', life)
end
return {life, number}
