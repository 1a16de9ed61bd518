-- The ledger and everything that posts to it (billing.md §1–§6). The database itself refuses an unbalanced posting, a
-- change, a deletion, and a posting into a closed period.

create table postings (
    id              uuid primary key,
    posted_on       date not null,
    recorded_at     timestamptz not null,
    reason          text not null,
    document_ref    text not null,
    idempotency_key text not null constraint posting_key_is_unique unique
);
create index postings_by_day on postings (posted_on);

create table entries (
    posting_id  uuid not null references postings (id),
    position    smallint not null,
    account     text not null check (account in ('advance', 'receivable', 'penalty_receivable', 'refund_payable',
        'bank', 'cash', 'payment_provider:click', 'payment_provider:payme', 'revenue', 'vat_payable', 'penalty_income', 'bonus_expense')),
    customer_id uuid references customers (id),
    debit       numeric(18,2) not null default 0 check (debit >= 0),
    credit      numeric(18,2) not null default 0 check (credit >= 0),
    primary key (posting_id, position),
    constraint one_side_only check ((debit = 0) <> (credit = 0)),
    constraint customer_accounts_name_their_customer check (
        (account in ('advance', 'receivable', 'penalty_receivable', 'refund_payable')) = (customer_id is not null)
    )
);
create index entries_of_account on entries (customer_id, account);

create table account_balances (
    account     text not null,
    customer_id uuid,
    balance     numeric(18,2) not null,
    constraint account_balance_is_unique unique nulls not distinct (account, customer_id)
);
comment on table account_balances is 'Debit less credit, kept in the same transaction as the entries and checked against their sum every night.';

create table closed_periods (
    period    date primary key check (extract(day from period) = 1),
    closed_at timestamptz not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'integrity_constraint_violation', constraint = 'append_only';
end $$;

create function keep_balance() returns trigger language plpgsql as $$
begin
    insert into account_balances (account, customer_id, balance) values (new.account, new.customer_id, new.debit - new.credit)
    on conflict on constraint account_balance_is_unique do update set balance = account_balances.balance + excluded.balance;
    return new;
end $$;
create trigger keep_balance after insert on entries for each row execute function keep_balance();

-- A posting is complete when its transaction commits: no entry is added to it later, balanced or not. (A posting made
-- after a savepoint would look like an older one here; none is.)
create function refuse_late_entry() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from postings where id = new.posting_id and xmin = pg_current_xact_id()::xid) then
        raise exception 'posting % takes no more entries', new.posting_id using errcode = 'integrity_constraint_violation', constraint = 'posting_is_complete';
    end if;
    return new;
end $$;
create trigger refuse_late_entry before insert on entries for each row execute function refuse_late_entry();

-- A posting holds its period open (shared lock) until it is committed; closing waits for those under way (exclusive).
create function period_lock_key(day date) returns bigint language sql immutable as $$
    select hashtextextended('namoyish.period.' || to_char(day, 'YYYY-MM'), 0)
$$;

create function refuse_closed_period() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(period_lock_key(new.posted_on));
    if exists (select 1 from closed_periods where period = date_trunc('month', new.posted_on)::date) then
        raise exception 'period % is closed', to_char(new.posted_on, 'YYYY-MM') using errcode = 'integrity_constraint_violation', constraint = 'period_is_closed';
    end if;
    return new;
end $$;
create trigger refuse_closed_period before insert on postings for each row execute function refuse_closed_period();

create function wait_for_postings() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(period_lock_key(new.period));
    return new;
end $$;
create trigger wait_for_postings before insert on closed_periods for each row execute function wait_for_postings();
create trigger append_only before update or delete on closed_periods for each row execute function refuse_change();
create trigger never_truncate before truncate on closed_periods for each statement execute function refuse_change();

create function check_posting_balances() returns trigger language plpgsql as $$
declare difference numeric; n integer; the_posting uuid;
begin
    if tg_table_name = 'postings' then the_posting := new.id; else the_posting := new.posting_id; end if;
    select coalesce(sum(debit - credit), 0), count(*) into difference, n from entries where posting_id = the_posting;
    if n < 2 or difference <> 0 then
        raise exception 'posting % is out of balance by % over % entries', the_posting, difference, n
            using errcode = 'integrity_constraint_violation', constraint = 'posting_balances';
    end if;
    return null;
end $$;
create constraint trigger posting_balances after insert on entries deferrable initially deferred
    for each row execute function check_posting_balances();
create constraint trigger posting_has_entries after insert on postings deferrable initially deferred
    for each row execute function check_posting_balances();

create trigger append_only before update or delete on postings for each row execute function refuse_change();
create trigger append_only before update or delete on entries for each row execute function refuse_change();
create trigger never_truncate before truncate on postings for each statement execute function refuse_change();
create trigger never_truncate before truncate on entries for each statement execute function refuse_change();

create table invoices (
    id             uuid primary key,
    number         text not null constraint invoice_number_is_unique unique,
    customer_id    uuid not null references customers (id),
    order_blank_id uuid references order_blanks (id),
    kind           text not null check (kind in ('prepayment', 'budget_increase')),
    issued_on      date not null,
    due_on         date not null,
    net            numeric(18,2) not null check (net >= 0),
    vat_rate       numeric(6,4) not null,
    vat            numeric(18,2) not null check (vat >= 0),
    gross          numeric(18,2) not null check (gross = net + vat),
    issued_at      timestamptz not null
);
create index invoices_of_customer on invoices (customer_id, due_on, number);
create index invoices_by_due_date on invoices (due_on);

create table invoice_lines (
    invoice_id   uuid not null references invoices (id),
    position     smallint not null,
    line_id      uuid not null references order_lines (id),
    first_period date,
    last_period  date,
    net          numeric(18,2) not null,
    vat          numeric(18,2) not null,
    primary key (invoice_id, position)
);
create index invoice_lines_of_line on invoice_lines (line_id);
create trigger append_only before update or delete on invoices for each row execute function refuse_change();
create trigger append_only before update or delete on invoice_lines for each row execute function refuse_change();

create table payments (
    id              uuid primary key,
    customer_id     uuid not null references customers (id),
    received_on     date not null,
    amount          numeric(18,2) not null check (amount > 0),
    method          text not null check (method in ('bank', 'cash', 'click', 'payme')),
    named_invoice   uuid references invoices (id),
    reference       text not null default '',
    recorded_at     timestamptz not null,
    recorded_by     text not null,
    idempotency_key text not null constraint payment_key_is_unique unique
);
create index payments_of_customer on payments (customer_id, received_on);

create table payment_allocations (
    payment_id   uuid not null references payments (id),
    invoice_id   uuid not null references invoices (id),
    allocated_on date not null,
    amount       numeric(18,2) not null check (amount > 0),
    primary key (payment_id, invoice_id, allocated_on)
);
create index payment_allocations_of_invoice on payment_allocations (invoice_id, allocated_on);

create trigger append_only before update or delete on payments for each row execute function refuse_change();
create trigger append_only before update or delete on payment_allocations for each row execute function refuse_change();

-- Invoices with what is paid of them, and the day on which they were fully paid.
create view invoice_standings as
select i.*, coalesce(a.paid, 0)::numeric(18,2) as paid, case when a.paid >= i.gross then a.last_allocated_on end as paid_on
from invoices i
left join lateral (
    select sum(amount) as paid, max(allocated_on) as last_allocated_on from payment_allocations where invoice_id = i.id
) a on true;

create table penalty_accruals (
    invoice_id uuid not null references invoices (id),
    day        date not null,
    base       numeric(18,2) not null check (base > 0),
    amount     numeric(24,8) not null,
    primary key (invoice_id, day)
);

create table documents (
    id             uuid primary key,
    kind           text not null check (kind in ('primary_document', 'vat_invoice', 'correction', 'reconciliation_act', 'penalty_claim', 'refund')),
    number         text not null,
    customer_id    uuid not null references customers (id),
    period         date,
    issued_on      date not null,
    net            numeric(18,2) not null,
    vat            numeric(18,2) not null,
    gross          numeric(18,2) not null check (gross = net + vat),
    -- the document's whole content as canonical JSON; PDF, XLSX and JSON are rendered from it and nothing else
    content        text not null,
    sha256         text not null,
    issued_at      timestamptz not null,
    constraint document_number_is_unique unique (kind, number)
);
create unique index one_primary_document_per_period on documents (customer_id, period) where kind = 'primary_document';
create index documents_of_customer on documents (customer_id, issued_on);
create trigger append_only before update or delete on documents for each row execute function refuse_change();

create table document_lines (
    document_id uuid not null references documents (id),
    position    integer not null,
    line_id     uuid not null references order_lines (id),
    quantity    numeric(18,6) not null,
    net         numeric(18,2) not null,
    vat         numeric(18,2) not null,
    gross       numeric(18,2) not null check (gross = net + vat),
    primary key (document_id, position)
);
create index document_lines_of_line on document_lines (line_id);
create trigger append_only before update or delete on document_lines for each row execute function refuse_change();

create table document_events (
    id          bigint generated always as identity primary key,
    document_id uuid not null references documents (id),
    state       text not null check (state in ('issued', 'sent', 'accepted', 'disputed', 'corrected', 'upheld')),
    happened_on date not null,
    happened_at timestamptz not null,
    actor       text not null,
    note        text not null default '',
    constraint document_state_is_entered_once unique (document_id, state)
);
create trigger append_only before update or delete on document_events for each row execute function refuse_change();
create trigger never_truncate before truncate on documents for each statement execute function refuse_change();
create trigger never_truncate before truncate on document_lines for each statement execute function refuse_change();
create trigger never_truncate before truncate on document_events for each statement execute function refuse_change();

-- Documents with the state they are in: the last one entered.
create view document_standings as
select d.*, e.state, e.happened_on as state_on
from documents d
left join lateral (select state, happened_on from document_events where document_id = d.id order by id desc limit 1) e on true;

create table job_runs (
    name        text not null,
    key         text not null,
    started_at  timestamptz not null,
    finished_at timestamptz,
    attempts    integer not null default 1,
    error       text,
    primary key (name, key)
);

create table mail_outbox (
    id          uuid primary key,
    dedupe_key  text not null constraint mail_is_sent_once unique,
    recipient   text not null,
    subject     text not null,
    body        text not null,
    document_id uuid references documents (id),
    language    text not null,
    created_at  timestamptz not null,
    sent_at     timestamptz,
    attempts    integer not null default 0,
    next_try_at timestamptz not null,
    last_error  text
);
create index mail_outbox_due on mail_outbox (next_try_at) where sent_at is null;
