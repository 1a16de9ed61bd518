-- What the parties tell each other and agree on beside a signed blank (orders.md §1–3): notices, the history of requisites,
-- the price list's annex (price groups), services given to a category, acceptance of the public offer, and who changed the
-- calendar. Price lists become immutable in the database too: all that may happen to one is its withdrawal before its
-- first day.

-- A message about the contract's execution. It is also mailed; what is kept here is what the cabinet shows.
create table notices (
    id             uuid primary key,
    customer_id    uuid not null references customers (id),
    order_blank_id uuid references order_blanks (id),
    kind           text not null check (kind ~ '^[a-z_]{1,40}$'),
    details        jsonb not null,
    mandatory      boolean not null,
    dedupe_key     text not null constraint notice_is_told_once unique,
    created_at     timestamptz not null,
    read_at        timestamptz,
    read_by        text,
    constraint notice_is_read_by_somebody check ((read_at is null) = (read_by is null))
);
create index notices_of_customer on notices (customer_id, id desc);
create index notices_unread on notices (customer_id) where read_at is null;

create function refuse_change_of_notice() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.read_at is not null
        or to_jsonb(new) - 'read_at' - 'read_by' <> to_jsonb(old) - 'read_at' - 'read_by' then
        raise exception 'a notice is only read, once' using errcode = 'integrity_constraint_violation', constraint = 'append_only';
    end if;
    return new;
end $$;
create trigger only_read before update or delete on notices for each row execute function refuse_change_of_notice();

-- Requisites in force are in customers and operator; what they were before, who changed them and when is here.
create table customer_changes (
    id          bigint generated always as identity primary key,
    customer_id uuid not null references customers (id),
    changed_at  timestamptz not null,
    changed_by  text not null,
    before      jsonb not null,
    after       jsonb not null
);
create index customer_changes_of_customer on customer_changes (customer_id, id desc);
create trigger append_only before update or delete on customer_changes for each row execute function refuse_change();

create table operator_changes (
    id         bigint generated always as identity primary key,
    changed_at timestamptz not null,
    changed_by text not null,
    before     jsonb not null,
    after      jsonb not null
);
create trigger append_only before update or delete on operator_changes for each row execute function refuse_change();

-- Rules come into force on the day of their publication at the earliest; the first edition may be older than the platform.
alter table rules_editions add constraint rules_are_published_first check (number = 1 or in_force_from >= published_on);

-- Price lists. The day is Tashkent's, a fixed five hours from UTC.
alter table price_lists add column withdrawn_at timestamptz;
alter table price_lists add constraint price_list_is_withdrawn_before_its_day
    check (withdrawn_at is null or (withdrawn_at at time zone interval '5 hours')::date < valid_from);
alter table price_lists drop constraint price_list_day_is_unique;
create unique index price_list_day_is_unique on price_lists (valid_from) where withdrawn_at is null;

create function refuse_change_but_withdrawal() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.withdrawn_at is not null
        or to_jsonb(new) - 'withdrawn_at' <> to_jsonb(old) - 'withdrawn_at' then
        raise exception '% is only withdrawn, before its day', tg_table_name
            using errcode = 'integrity_constraint_violation', constraint = 'append_only';
    end if;
    return new;
end $$;
create trigger only_withdrawn before update or delete on price_lists for each row execute function refuse_change_but_withdrawal();

-- What an item buys: an app's placements, one placement, or (neither) any.
alter table price_list_items
    add column app_id uuid references apps (id),
    add column placement_id uuid references placements (id),
    add column material_requirements text not null default '',
    add constraint item_buys_one_place check (app_id is null or placement_id is null);
create trigger append_only before update or delete on price_list_items for each row execute function refuse_change();

-- The annex of the price list: who buys at which coefficient [003 §3.1.2].
create table price_annexes (
    id           uuid primary key,
    valid_from   date not null,
    published_at timestamptz not null,
    withdrawn_at timestamptz,
    constraint price_annex_is_withdrawn_before_its_day
        check (withdrawn_at is null or (withdrawn_at at time zone interval '5 hours')::date < valid_from)
);
create unique index price_annex_day_is_unique on price_annexes (valid_from) where withdrawn_at is null;
create trigger only_withdrawn before update or delete on price_annexes for each row execute function refuse_change_but_withdrawal();

create table price_groups (
    annex_id    uuid not null references price_annexes (id),
    name        text not null,
    city        text not null default '',
    category    text not null default '',
    coefficient numeric(9,4) not null check (coefficient > 0),
    constraint price_group_name_is_unique primary key (annex_id, name),
    constraint price_group_is_given_once unique (annex_id, city, category),
    constraint price_group_is_given_by_something check (city <> '' or category <> '')
);
create trigger append_only before update or delete on price_groups for each row execute function refuse_change();

-- The price by the list and the group that made the line's price of it; null on lines older than the columns, and on lines
-- whose price the parties agreed on apart from the list.
alter table order_lines
    add column list_price numeric(20,6),
    add column price_group text;

-- Additional services given to a category of customers [003 §2.5]: the latest row not after a day counts; a row without a
-- price ends the gift.
create table category_services (
    category   text not null,
    item_code  text not null,
    valid_from date not null,
    unit_price numeric(20,6) check (unit_price >= 0),
    set_by     text not null,
    set_at     timestamptz not null,
    primary key (category, item_code, valid_from)
);
create trigger append_only before update or delete on category_services for each row execute function refuse_change();

-- A contract made by accepting the public offer, or by using a service of it [003 §5.2].
alter table order_blanks drop constraint order_blanks_signature_kind_check;
alter table order_blanks add constraint order_blanks_signature_kind_check
    check (signature_kind in ('cabinet_code', 'paper', 'public_offer'));

create table offer_acceptances (
    order_blank_id uuid primary key references order_blanks (id),
    how            text not null check (how in ('acceptance', 'use_of_service')),
    rules_edition  integer not null references rules_editions (number),
    rules_sha256   text not null,
    accepted_at    timestamptz not null,
    accepted_by    text not null,
    -- where from: the address of the caller, or empty when the operator recorded the use
    accepted_from  text not null default '',
    -- the day on which a service was used; its price is that day's
    used_on        date
);
create trigger append_only before update or delete on offer_acceptances for each row execute function refuse_change();

-- Who made a day a business day or a day off, and why.
alter table calendar_days add column reason text not null default '';

create table calendar_changes (
    id         bigint generated always as identity primary key,
    day        date not null,
    -- null: what ships with the program and the weekday say
    working    boolean,
    reason     text not null,
    changed_by text not null,
    changed_at timestamptz not null
);
create trigger append_only before update or delete on calendar_changes for each row execute function refuse_change();
