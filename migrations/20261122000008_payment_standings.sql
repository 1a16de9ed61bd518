-- Payments with what is used of them. Money leaves a payment in three ways (invoices less what was released, claimed
-- penalties, fixed refunds); every reader of "how much of it is free" asks here, so that none forgets one of them.
create view payment_standings as
select p.id as payment_id, u.used::numeric(18,2) as used, (p.amount - u.used)::numeric(18,2) as free
from payments p
cross join lateral (select
    coalesce((select sum(a.amount) from payment_allocations a where a.payment_id = p.id), 0)
    - coalesce((select sum(r.amount) from allocation_releases r where r.payment_id = p.id), 0)
    + coalesce((select sum(c.amount) from penalty_allocations c where c.payment_id = p.id), 0)
    + coalesce((select sum(t.amount) from refund_takes t join refunds f on f.id = t.refund_id
        where t.payment_id = p.id and f.state in ('fixed', 'paid')), 0) as used) u;
