-- Ending and interrupting service: notices of termination, agreements, force majeure, outages, lost access (orders.md §8;
-- offer [003 §7.2–7.3, §8, §10, §13.4]).
--
-- A notice, an interruption and what it did to a term are facts that were sent, certified or found: none of them is ever
-- changed. `order_lines.ended_on` and `last_day` keep the values in force beside them, in the same transaction.

-- A proposal to end by agreement. It binds nobody before the other party has confirmed it: then a notice refers to it.
create table termination_proposals (
    id             uuid primary key,
    order_blank_id uuid not null references order_blanks (id),
    by_party       text not null check (by_party in ('customer', 'operator')),
    scope          text not null check (scope in ('contract', 'lines', 'additional')),
    lines          uuid[] not null,
    -- first day without service
    effective_on   date not null,
    comment        text not null,
    proposed_at    timestamptz not null,
    proposed_by    text not null
);
create index termination_proposals_of_blank on termination_proposals (order_blank_id, id);

create table notices_of_termination (
    id             uuid primary key,
    order_blank_id uuid not null references order_blanks (id),
    by_party       text not null check (by_party in ('customer', 'operator')),
    ground         text not null check (ground in ('ordinary', 'breach', 'overdue', 'corruption', 'agreement', 'force_majeure')),
    scope          text not null check (scope in ('contract', 'lines', 'additional')),
    -- N: the Tashkent day on which it was sent
    noticed_on     date not null,
    proposal_id    uuid references termination_proposals (id) constraint proposal_is_confirmed_once unique,
    comment        text not null,
    given_at       timestamptz not null,
    given_by       text not null
);
create index notices_of_termination_of_blank on notices_of_termination (order_blank_id, id);

-- E of each line that the notice ended: the first day without service.
create table notice_lines (
    notice_id    uuid not null references notices_of_termination (id),
    line_id      uuid not null references order_lines (id),
    effective_on date not null,
    primary key (notice_id, line_id)
);
create index notice_lines_of_line on notice_lines (line_id);

-- Force majeure with its certificate. Without customers and placements it concerns every contract that was signed by its
-- first day [003 §8.1].
create table force_majeure (
    id          uuid primary key,
    affected    text not null check (affected in ('operator', 'customer')),
    first_day   date not null,
    -- the day of the written notice to the other party [003 §8.2]
    noticed_on  date not null check (noticed_on <= first_day + 3),
    certificate text not null,
    comment     text not null,
    recorded_at timestamptz not null,
    recorded_by text not null
);

create table force_majeure_customers (
    force_majeure_id uuid not null references force_majeure (id),
    customer_id      uuid not null references customers (id),
    primary key (force_majeure_id, customer_id)
);

create table force_majeure_placements (
    force_majeure_id uuid not null references force_majeure (id),
    placement_id     uuid not null references placements (id),
    primary key (force_majeure_id, placement_id)
);

create table force_majeure_ends (
    force_majeure_id uuid primary key references force_majeure (id),
    -- the first day without it
    until            date not null,
    recorded_at      timestamptz not null,
    recorded_by      text not null
);

-- Days on which lines stand still, and why.
create view line_standstills as
select l.id as line_id, f.id as force_majeure_id, f.affected, f.first_day, e.until, b.id as order_blank_id, b.customer_id
from force_majeure f
join order_blanks b on b.signed_on <= f.first_day
join order_lines l on l.order_blank_id = b.id
left join force_majeure_ends e on e.force_majeure_id = f.id
where (not exists (select 1 from force_majeure_customers c where c.force_majeure_id = f.id)
        or exists (select 1 from force_majeure_customers c where c.force_majeure_id = f.id and c.customer_id = b.customer_id))
    and (not exists (select 1 from force_majeure_placements p where p.force_majeure_id = f.id)
        or exists (select 1 from force_majeure_placements p join line_placements lp on lp.placement_id = p.placement_id
            where p.force_majeure_id = f.id and lp.line_id = l.id));

-- A placement that didn't show what was ordered, by the operator's fault [003 §7.2].
create table outages (
    id           uuid primary key,
    placement_id uuid not null references placements (id),
    began_at     timestamptz not null,
    ended_at     timestamptz not null check (ended_at > began_at),
    comment      text not null,
    recorded_at  timestamptz not null,
    recorded_by  text not null
);
create index outages_of_placement on outages (placement_id, began_at);

-- The customer's written claim that paid access was lost, and what came of it [003 §7.3].
create table lost_access_claims (
    id         uuid primary key,
    line_id    uuid not null references order_lines (id),
    first_day  date not null,
    last_day   date not null check (last_day >= first_day),
    comment    text not null,
    claimed_at timestamptz not null,
    claimed_by text not null
);
create index lost_access_claims_of_line on lost_access_claims (line_id, id);

create table lost_access_decisions (
    claim_id   uuid primary key references lost_access_claims (id),
    justified  boolean not null,
    comment    text not null,
    decided_at timestamptz not null,
    decided_by text not null
);

-- Days by which a line's last day was moved: once moved, never taken back.
create table line_moves (
    id               bigint generated always as identity primary key,
    line_id          uuid not null references order_lines (id),
    cause            text not null check (cause in ('force_majeure', 'outage', 'lost_access')),
    force_majeure_id uuid references force_majeure (id),
    days             integer not null check (days > 0),
    moved_at         timestamptz not null,
    moved_by         text not null,
    constraint move_names_its_force_majeure check ((cause = 'force_majeure') = (force_majeure_id is not null))
);
create index line_moves_of_line on line_moves (line_id, cause);

-- Days by which an invoice's due date was moved, where the customer is the affected party [003 §8.4].
create table invoice_moves (
    id               bigint generated always as identity primary key,
    invoice_id       uuid not null references invoices (id),
    force_majeure_id uuid not null references force_majeure (id),
    days             integer not null check (days > 0),
    moved_at         timestamptz not null,
    moved_by         text not null
);
create index invoice_moves_of_invoice on invoice_moves (invoice_id);

-- Days by which the due date of an invoice has moved.
create function due_date_moved(invoice uuid) returns integer language sql stable as $$
    select coalesce(sum(days), 0)::integer from invoice_moves where invoice_id = invoice
$$;

create trigger append_only before update or delete on termination_proposals for each row execute function refuse_change();
create trigger append_only before update or delete on notices_of_termination for each row execute function refuse_change();
create trigger append_only before update or delete on notice_lines for each row execute function refuse_change();
create trigger append_only before update or delete on force_majeure for each row execute function refuse_change();
create trigger append_only before update or delete on force_majeure_customers for each row execute function refuse_change();
create trigger append_only before update or delete on force_majeure_placements for each row execute function refuse_change();
create trigger append_only before update or delete on force_majeure_ends for each row execute function refuse_change();
create trigger append_only before update or delete on outages for each row execute function refuse_change();
create trigger append_only before update or delete on lost_access_claims for each row execute function refuse_change();
create trigger append_only before update or delete on lost_access_decisions for each row execute function refuse_change();
create trigger append_only before update or delete on line_moves for each row execute function refuse_change();
create trigger append_only before update or delete on invoice_moves for each row execute function refuse_change();

-- A line's end may be brought forward, never put off or taken back (orders.md §8).
create function refuse_later_end() returns trigger language plpgsql as $$
begin
    if new.ended_on is null or new.ended_on > old.ended_on then
        raise exception 'line % ends on % already', old.id, old.ended_on
            using errcode = 'integrity_constraint_violation', constraint = 'end_is_never_put_off';
    end if;
    return new;
end $$;
create trigger end_is_never_put_off before update of ended_on on order_lines
    for each row when (old.ended_on is not null) execute function refuse_later_end();
