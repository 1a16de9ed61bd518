-- Shared by the scripts of a line's counter. KEYS[1] is the counter's hash; the other keys of the line are made from it
-- and share its hash tag. Fields: g generation, v plan version, b0/b1 counted before and in day bd, r0/r1 reserved for the
-- days before and the day, ru end of the reservation, c shown in closed epochs, w closed through, d<day> shown in closed
-- epochs of a day, n<epoch> next number, x<epoch> given back.
local K = KEYS[1]
local KEEP_SECONDS = 3456000
local h = {}

local function load()
    local raw = redis.call('HGETALL', K)
    for i = 1, #raw, 2 do h[raw[i]] = raw[i + 1] end
    return h['g'] ~= nil
end

local function number(field) return tonumber(h[field] or '0') end

local function day_of(epoch) return math.floor((epoch * 300 + 18000) / 86400) end

local function name(prefix, n) return prefix .. string.format('%d', n) end

local function bitmap(epoch) return K .. ':' .. h['g'] .. ':' .. string.format('%d', epoch) end

local function set(field, value)
    h[field] = value
    redis.call('HSET', K, field, value)
end

local function open_epochs()
    local epochs = {}
    for field, _ in pairs(h) do
        if string.sub(field, 1, 1) == 'n' then epochs[#epochs + 1] = tonumber(string.sub(field, 2)) end
    end
    table.sort(epochs)
    return epochs
end

local function granted(epoch) return number(name('n', epoch)) - number(name('x', epoch)) end

local function close_due(now)
    local through = math.floor((now - 960) / 300)
    if h['w'] and number('w') >= through then return end
    set('w', through)
    for _, epoch in ipairs(open_epochs()) do
        if epoch > through then break end
        local shown = redis.call('BITCOUNT', bitmap(epoch))
        local of_day = name('d', day_of(epoch))
        set('c', number('c') + shown)
        set(of_day, number(of_day) + shown)
        redis.call('RPUSH', K .. ':closed', string.format('%s:%d:%d:%d', h['g'], epoch, granted(epoch), shown))
        redis.call('LTRIM', K .. ':closed', -1024, -1)
        redis.call('EXPIRE', K .. ':closed', KEEP_SECONDS)
        redis.call('UNLINK', bitmap(epoch))
        redis.call('HDEL', K, name('n', epoch), name('x', epoch))
        h[name('n', epoch)] = nil
        h[name('x', epoch)] = nil
    end
    -- Only the newest closed day and the one before are remembered.
    local days = {}
    for field, _ in pairs(h) do
        if string.sub(field, 1, 1) == 'd' then days[#days + 1] = tonumber(string.sub(field, 2)) end
    end
    table.sort(days)
    for i = 1, #days - 2 do
        redis.call('HDEL', K, name('d', days[i]))
        h[name('d', days[i])] = nil
    end
end
