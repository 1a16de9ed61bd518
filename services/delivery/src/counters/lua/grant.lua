-- ARGV: cap, day, day limit, plan version, want, epoch, now. Answers {1, generation, first, count, day used, scope used},
-- {0} for an unknown counter or a reservation to be settled, {2} for a plan older than one seen.
if not load() then return {0} end
local cap, day, day_limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local version, want, epoch, now = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
close_due(now)
local settle_at = number('ru')
if settle_at ~= 0 and now >= settle_at then return {0} end
if version < number('v') then return {2} end
if version > number('v') then set('v', version) end

local day_used = number(name('d', day))
if day == number('bd') then day_used = day_used + number('b1') + number('r1') end
local scope_used = number('b0') + number('b1') + number('r0') + number('r1') + number('c')
local newest_closed_day = day
for field, _ in pairs(h) do
    local kind = string.sub(field, 1, 1)
    if kind == 'n' then
        local of = tonumber(string.sub(field, 2))
        scope_used = scope_used + granted(of)
        if day_of(of) == day then day_used = day_used + granted(of) end
    elseif kind == 'd' then
        newest_closed_day = math.max(newest_closed_day, tonumber(string.sub(field, 2)))
    end
end

local next_number = number(name('n', epoch))
local count = math.max(0, math.min(cap - scope_used, day_limit - day_used, 16777216 - next_number, want))
if day_of(epoch) ~= day or day < number('bd') or day < newest_closed_day or (h['w'] and epoch <= number('w')) then
    count = 0
end
if count > 0 then set(name('n', epoch), next_number + count) end
redis.call('EXPIRE', K, KEEP_SECONDS)
return {1, tonumber(h['g']), next_number, count, day_used + count, scope_used + count}
