-- Budget increases (orders.md §6), and what an invoice asks for once a part of it is no longer owed.
--
-- An invoice and an allocation are never changed. That a request of more budget lapsed, or that a service ended early, is a
-- reduction of the invoice; money that it had taken and no longer needs is a release of the allocation. What is due and
-- what is paid are sums over these records, and the view `invoice_standings` is the one place that makes them.

create table invoice_reductions (
    id          bigint generated always as identity primary key,
    invoice_id  uuid not null references invoices (id),
    -- From the start of this day on the sum is no longer owed.
    reduced_on  date not null,
    net         numeric(18,2) not null check (net >= 0),
    vat         numeric(18,2) not null check (vat >= 0),
    gross       numeric(18,2) not null check (gross = net + vat and gross > 0),
    -- lapsed: the whole invoice is void, as its request of more budget was not paid; terminated: services that were not rendered
    reason      text not null check (reason in ('lapsed', 'terminated')),
    recorded_at timestamptz not null,
    recorded_by text not null
);
create index invoice_reductions_of_invoice on invoice_reductions (invoice_id, reduced_on);

create table allocation_releases (
    id          bigint generated always as identity primary key,
    payment_id  uuid not null references payments (id),
    invoice_id  uuid not null references invoices (id),
    released_on date not null,
    amount      numeric(18,2) not null check (amount > 0),
    recorded_at timestamptz not null,
    recorded_by text not null
);
create index allocation_releases_of_invoice on allocation_releases (invoice_id, payment_id);
create index allocation_releases_of_payment on allocation_releases (payment_id);

create function refuse_too_large_reduction() returns trigger language plpgsql as $$
begin
    if exists (select 1 from invoices i where i.id = new.invoice_id and (
        i.net < new.net + coalesce((select sum(r.net) from invoice_reductions r where r.invoice_id = i.id), 0)
        or i.vat < new.vat + coalesce((select sum(r.vat) from invoice_reductions r where r.invoice_id = i.id), 0))) then
        raise exception 'invoice % is reduced by more than it asks for', new.invoice_id
            using errcode = 'integrity_constraint_violation', constraint = 'reduction_within_invoice';
    end if;
    return new;
end $$;
create trigger refuse_too_large_reduction before insert on invoice_reductions
    for each row execute function refuse_too_large_reduction();

create function refuse_too_large_release() returns trigger language plpgsql as $$
begin
    if new.amount
        + coalesce((select sum(amount) from allocation_releases where payment_id = new.payment_id and invoice_id = new.invoice_id), 0)
        > coalesce((select sum(amount) from payment_allocations where payment_id = new.payment_id and invoice_id = new.invoice_id), 0) then
        raise exception 'payment % has not paid % of invoice %', new.payment_id, new.amount, new.invoice_id
            using errcode = 'integrity_constraint_violation', constraint = 'release_within_allocation';
    end if;
    return new;
end $$;
create trigger refuse_too_large_release before insert on allocation_releases
    for each row execute function refuse_too_large_release();

create trigger append_only before update or delete on invoice_reductions for each row execute function refuse_change();
create trigger append_only before update or delete on allocation_releases for each row execute function refuse_change();
create trigger never_truncate before truncate on invoice_reductions for each statement execute function refuse_change();
create trigger never_truncate before truncate on allocation_releases for each statement execute function refuse_change();

-- Invoices as they stand. `gross` is what the invoice said; `due_*` is what it still asks for, and `paid` is what payments
-- hold on it. `paid_on` is the day on which money settled it,
-- `open_through` the last day on which it was open when the day began (a reduction counts from the start of its day).
-- Each column is a query of its own, so that a reader who takes two of them pays for two.
create or replace view invoice_standings as
select i.id, i.number, i.customer_id, i.order_blank_id, i.kind, i.issued_on, i.due_on, i.net, i.vat_rate, i.vat, i.gross, i.issued_at,
    (coalesce((select sum(a.amount) from payment_allocations a where a.invoice_id = i.id), 0)
        - coalesce((select sum(r.amount) from allocation_releases r where r.invoice_id = i.id), 0))::numeric(18,2) as paid,
    (select min(t.day) filter (where t.stays and t.paid > 0) from (
        select s.day, s.paid, bool_and(s.paid >= s.due) over (order by s.day desc) as stays from (
            select e.day, sum(sum(e.paid)) over (order by e.day) as paid, i.gross - sum(sum(e.reduced)) over (order by e.day) as due from (
                select allocated_on as day, amount as paid, 0 as reduced from payment_allocations where invoice_id = i.id
                union all select released_on, -amount, 0 from allocation_releases where invoice_id = i.id
                union all select reduced_on, 0, gross from invoice_reductions where invoice_id = i.id) e group by e.day) s) t) as paid_on,
    (i.net - coalesce((select sum(r.net) from invoice_reductions r where r.invoice_id = i.id), 0))::numeric(18,2) as due_net,
    (i.vat - coalesce((select sum(r.vat) from invoice_reductions r where r.invoice_id = i.id), 0))::numeric(18,2) as due_vat,
    (i.gross - coalesce((select sum(r.gross) from invoice_reductions r where r.invoice_id = i.id), 0))::numeric(18,2) as due_gross,
    exists (select 1 from invoice_reductions r where r.invoice_id = i.id and r.reason = 'lapsed') as voided,
    (select min(t.day) filter (where t.stays) from (
        select s.day, bool_and(s.paid >= s.due) over (order by s.day desc) as stays from (
            select e.day, sum(sum(e.paid)) over (order by e.day) as paid, i.gross - sum(sum(e.reduced)) over (order by e.day) as due from (
                select allocated_on as day, amount as paid, 0 as reduced from payment_allocations where invoice_id = i.id
                union all select released_on - 1, -amount, 0 from allocation_releases where invoice_id = i.id
                union all select reduced_on - 1, 0, gross from invoice_reductions where invoice_id = i.id) e group by e.day) s) t) as open_through
from invoices i;

-- A request of more budget. `amount` is what is added, net: once for a total budget, each month from `period` on for a
-- monthly one.
create table budget_increases (
    id            uuid primary key,
    line_id       uuid not null references order_lines (id),
    customer_id   uuid not null references customers (id),
    amount        numeric(18,2) not null check (amount > 0),
    -- the added sum with VAT that must be paid before the budget is raised: of a monthly budget, one month's
    gross         numeric(18,2) not null check (gross >= amount),
    covered       numeric(18,2) not null check (covered >= 0),
    borrowed      numeric(18,2) not null check (borrowed >= 0),
    missing       numeric(18,2) not null check (missing >= 0),
    requested_at  timestamptz not null,
    requested_on  date not null,
    requested_by  text not null,
    -- last day on which the missing sum may be paid
    due_on        date not null,
    state         text not null check (state in ('pending', 'in_force', 'lapsed')),
    decided_at    timestamptz,
    -- of a monthly budget: the first month that has the new budget
    period        date check (extract(day from period) = 1),
    budget_before numeric(18,2),
    budget_after  numeric(18,2),
    constraint increase_is_paid_for check (gross = covered + borrowed + missing),
    constraint increase_is_decided_whole check ((state = 'pending') = (decided_at is null)),
    constraint increase_in_force_is_told check ((state = 'in_force') = (budget_before is not null and budget_after is not null))
);
create unique index one_pending_increase_at_a_time on budget_increases (line_id) where state = 'pending';
create index budget_increases_of_line on budget_increases (line_id, requested_at);
create index budget_increases_pending on budget_increases (due_on) where state = 'pending';

-- Invoices that a request made: `covered` and `missing` fall with it when it lapses, `later` ask for later months.
create table budget_increase_invoices (
    increase_id uuid not null references budget_increases (id),
    invoice_id  uuid primary key references invoices (id),
    part        text not null check (part in ('covered', 'missing', 'later'))
);
create index budget_increase_invoices_of_increase on budget_increase_invoices (increase_id);

-- What a month lends to an earlier one: money paid for it that raises the budget of the earlier month now. An invoice of
-- part `later` asks for it again. Loans of a pending request are kept for it; those of a lapsed one count no more.
create table budget_increase_loans (
    increase_id uuid not null references budget_increases (id),
    period      date not null check (extract(day from period) = 1),
    amount      numeric(18,2) not null check (amount > 0),
    primary key (increase_id, period)
);
-- What stops a line: its invoices that are not paid, with the last day on which it may run without them (orders.md §5).
-- The invoice of a pending increase stops nothing: without it the line runs on with the budget that it has. An invoice
-- for what a later month lacks stops that month and no earlier one.
create view unpaid_stops as
select il.line_id, i.id as invoice_id, i.due_on,
    case when exists (select 1 from budget_increase_invoices b where b.invoice_id = i.id and b.part = 'later')
        then greatest(i.due_on, il.first_period - 1) else i.due_on end as unpaid_since
from invoice_lines il join invoice_standings i on i.id = il.invoice_id
where i.kind <> 'budget_increase' and i.paid < i.due_gross;

create trigger append_only before update or delete on budget_increase_invoices for each row execute function refuse_change();
create trigger append_only before update or delete on budget_increase_loans for each row execute function refuse_change();
