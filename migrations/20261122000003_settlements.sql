-- What follows a contract's end (orders.md §8 "On E", billing.md §7–§8): the settlement of the ended lines, refunds that
-- customers ask for, and reconciliation acts with what came back signed.

-- A blank's lines that ended on one day, valued: what was paid for the blank, what it rendered, and who owes whom the rest.
create table contract_settlements (
    order_blank_id uuid not null references order_blanks (id),
    -- the first day without service
    ended_on       date not null,
    customer_id    uuid not null references customers (id),
    -- whether lines were terminated; else the term was over
    early          boolean not null,
    -- whether the whole blank was over then
    whole          boolean not null,
    -- settled within 30 calendar days of the end
    due_on         date not null,
    paid           numeric(18,2) not null check (paid >= 0),
    rendered       numeric(18,2) not null check (rendered >= 0),
    surplus        numeric(18,2) not null check (surplus >= 0),
    debt           numeric(18,2) not null check (debt >= 0),
    -- gross of the ended lines' services that were in no document yet
    undocumented   numeric(18,2) not null check (undocumented >= 0),
    -- whether a reconciliation act is due: something was paid or rendered
    act_due        boolean not null,
    made_at        timestamptz not null,
    primary key (order_blank_id, ended_on),
    constraint a_settlement_is_owed_one_way check (surplus = 0 or debt = 0)
);
create index contract_settlements_of_customer on contract_settlements (customer_id, ended_on);
create index contract_settlements_with_act on contract_settlements (ended_on, customer_id) where act_due;
create trigger append_only before update or delete on contract_settlements for each row execute function refuse_change();

-- Lines with an end, for the job that settles them.
create index order_lines_ended on order_lines (ended_on) where ended_on is not null;

create table refunds (
    id                 uuid primary key,
    customer_id        uuid not null references customers (id),
    requested_at       timestamptz not null,
    requested_on       date not null,
    requested_by       text not null,
    -- the end of the contract that was ending when it was asked for; the sum is fixed then
    waits_until        date,
    due_on             date not null,
    state              text not null check (state in ('requested', 'fixed', 'paid', 'cancelled', 'refused')),
    amount             numeric(18,2) check (amount > 0),
    fixed_at           timestamptz,
    document_id        uuid references documents (id),
    -- the customer's own account as it was when the sum was fixed
    bank_name          text not null default '',
    mfo                text check (mfo ~ '^[0-9]{5}$'),
    settlement_account text check (settlement_account ~ '^[0-9]{20}$'),
    paid_on            date,
    bank_reference     text not null default '',
    -- when it was paid, cancelled or refused, by whom and why
    closed_at          timestamptz,
    closed_by          text,
    reason             text not null default '',
    constraint fixed_refund_is_told_whole check (
        (fixed_at is null) = (amount is null) and (amount is null) = (document_id is null) and (amount is null) = (settlement_account is null)),
    constraint refund_is_fixed_before_it_is_paid check (state not in ('fixed', 'paid') or amount is not null),
    constraint paid_refund_has_its_day check ((state = 'paid') = (paid_on is not null)),
    constraint closed_refund_is_told check ((state in ('paid', 'cancelled', 'refused')) = (closed_at is not null and closed_by is not null))
);
create unique index one_open_refund_at_a_time on refunds (customer_id) where state in ('requested', 'fixed');
create index refunds_of_customer on refunds (customer_id, requested_at);
create index refunds_to_fix on refunds (id) where state = 'requested';
create index refunds_to_pay on refunds (due_on) where state in ('requested', 'fixed');

-- A paid or cancelled refund stays as it is, and a fixed sum never moves.
create function refuse_change_of_refund() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.state in ('paid', 'cancelled', 'refused') or (old.amount is not null and new.amount is distinct from old.amount) then
        raise exception 'a refund that is fixed or closed is not changed' using errcode = 'integrity_constraint_violation', constraint = 'append_only';
    end if;
    return new;
end $$;
create trigger closed_refund_stays before update or delete on refunds for each row execute function refuse_change_of_refund();

-- Unallocated money of payments that went into a refund; while the refund isn't cancelled it pays no invoice.
create table refund_takes (
    refund_id  uuid not null references refunds (id),
    payment_id uuid not null references payments (id),
    amount     numeric(18,2) not null check (amount > 0),
    primary key (refund_id, payment_id)
);
create index refund_takes_of_payment on refund_takes (payment_id);
create trigger append_only before update or delete on refund_takes for each row execute function refuse_change();

-- Balances: more than nothing is what the customer owes, less than nothing what the operator owes.
create table reconciliation_acts (
    document_id  uuid primary key references documents (id),
    customer_id  uuid not null references customers (id),
    occasion     text not null check (occasion in ('quarter', 'half_year', 'nine_months', 'year', 'contract_end')),
    first_day    date not null,
    last_day     date not null,
    opening      numeric(18,2) not null,
    debit        numeric(18,2) not null check (debit >= 0),
    credit       numeric(18,2) not null check (credit >= 0),
    -- part of `debit` that no document had yet
    undocumented numeric(18,2) not null check (undocumented >= 0 and undocumented <= debit),
    closing      numeric(18,2) not null check (closing = opening + debit - credit),
    -- last day for sending it: 7 business days
    send_by      date not null,
    constraint one_act_per_occasion unique (customer_id, occasion, first_day, last_day)
);
create trigger append_only before update or delete on reconciliation_acts for each row execute function refuse_change();

create table reconciliation_act_returns (
    document_id      uuid primary key references reconciliation_acts (document_id),
    returned_on      date not null,
    -- closing balance by the customer's books, told like the act's
    customer_balance numeric(18,2) not null,
    agreed           boolean not null,
    note             text not null default '',
    recorded_at      timestamptz not null,
    recorded_by      text not null
);
create trigger append_only before update or delete on reconciliation_act_returns for each row execute function refuse_change();
