-- The server's life: a name that changes when its data was lost, and a number that only grows. Answers {life, number}.
local life = redis.call('HGET', KEYS[1], 'life')
if not life then
    local time = redis.call('TIME')
    life = string.format('%x.%x', tonumber(time[1]), tonumber(time[2]))
    redis.call('HSET', KEYS[1], 'life', life)
end
return {life, redis.call('HINCRBY', KEYS[1], 'number', 1)}
