-- ARGV: now. Closes what is due; answers the totals "generation:epoch:granted:shown" not forgotten yet, oldest first.
if load() then close_due(tonumber(ARGV[1])) end
return redis.call('LRANGE', K .. ':closed', 0, -1)
