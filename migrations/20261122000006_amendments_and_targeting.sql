-- The order blank in full (orders.md §3, §6): to whom and when a media line is shown, payment terms in days, the scan of a
-- paper signature, a bound on one-time codes, and the chain of amendments by which alone a signed line changes.

-- To whom and when; empty: any, always (orders.md §3 `MediaLine`). `schedule` holds windows such as 'mon-fri 09-18'.
alter table order_lines
    add column rubrics        text[] not null default '{}',
    add column search_phrases text[] not null default '{}',
    add column schedule       text[] not null default '{}',
    add column frequency_cap  smallint check (frequency_cap between 1 and 1000),
    add constraint only_media_is_targeted check (
        kind = 'media' or (rubrics = '{}' and search_phrases = '{}' and schedule = '{}' and frequency_cap is null)
    );

-- Scans are kept apart from the files of ad materials: those are served to everybody, a signed paper to its parties.
create table scans (
    sha256     text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
    media_type text not null check (media_type in ('application/pdf', 'image/jpeg', 'image/png')),
    content    bytea not null check (octet_length(content) between 1 and 10485760),
    stored_at  timestamptz not null
);
create trigger append_only before update or delete on scans for each row execute function refuse_change();
create trigger never_truncate before truncate on scans for each statement execute function refuse_change();

-- The blank's own payment term is a date or a number of days after the signing [003 §5.11.1].
alter table order_blanks
    add column own_due_days smallint check (own_due_days between 0 and 365),
    add column scan_sha256  text references scans (sha256),
    add constraint one_own_payment_term check (own_due_on is null or own_due_days is null),
    add constraint notices_have_an_address check (cardinality(notice_emails) >= 1);
create trigger never_truncate before truncate on order_blanks for each statement execute function refuse_change();

-- How often a code was sent within an hour, so that codes can't be drawn until one fits.
alter table signing_codes
    add column sent_at     timestamptz,
    add column sends       smallint not null default 1,
    add column sends_since timestamptz;

create table amendments (
    id              uuid primary key,
    order_blank_id  uuid not null references order_blanks (id),
    -- 1, 2, 3, … in the blank; one that was given up leaves its number to the next
    number          integer not null check (number >= 1),
    state           text not null check (state in ('draft', 'offered', 'signed', 'cancelled')),
    -- payment term of what is added, where the rule's would lie before the signing
    own_due_on      date,
    note            text not null default '',
    made_out_on     date not null,
    created_at      timestamptz not null,
    created_by      text not null,
    offered_at      timestamptz,
    signed_at       timestamptz,
    signed_on       date,
    signature_kind  text check (signature_kind in ('cabinet_code', 'paper')),
    signed_by       text,
    -- the frozen text; it names the hash of the blank's terms or of the amendment before, which makes the chain
    canonical_json  text,
    sha256          text,
    previous_sha256 text,
    scan_sha256     text references scans (sha256),
    constraint signed_amendment_is_frozen check (
        (state = 'signed') = (signed_at is not null) and (signed_at is null) = (signed_on is null)
        and (signed_at is null) = (signature_kind is null) and (signed_at is null) = (signed_by is null)
        and (signed_at is null) = (canonical_json is null) and (signed_at is null) = (sha256 is null)
        and (signed_at is null) = (previous_sha256 is null)
    )
);
create unique index amendment_number_is_unique on amendments (order_blank_id, number) where state <> 'cancelled';
create unique index one_open_amendment_at_a_time on amendments (order_blank_id) where state in ('draft', 'offered');

-- What an amendment changes; null: stays as it is.
create table amendment_lines (
    amendment_id   uuid not null references amendments (id),
    line_id        uuid not null references order_lines (id),
    unit_price     numeric(20,6) check (unit_price >= 0),
    first_day      date,
    last_day       date,
    budget         numeric(18,2) check (budget > 0),
    quantity       numeric(18,6) check (quantity > 0),
    placements     uuid[],
    regions        text[],
    -- whether the four below replace the line's targeting
    targeting      boolean not null default false,
    rubrics        text[] not null default '{}',
    search_phrases text[] not null default '{}',
    schedule       text[] not null default '{}',
    frequency_cap  smallint check (frequency_cap between 1 and 1000),
    -- a material with a second advertised subject that waits for this revised price (orders.md §4)
    material_id    uuid references ad_materials (id),
    primary key (amendment_id, line_id)
);
create trigger append_only before update or delete on amendment_lines for each row execute function refuse_change();
create trigger never_truncate before truncate on amendments for each statement execute function refuse_change();
create trigger never_truncate before truncate on amendment_lines for each statement execute function refuse_change();

create function refuse_change_of_amendment() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.state in ('signed', 'cancelled') then
        raise exception 'an amendment that is % is frozen', old.state using errcode = 'integrity_constraint_violation', constraint = 'append_only';
    end if;
    if (new.id, new.order_blank_id, new.number, new.own_due_on, new.note, new.made_out_on, new.created_at, new.created_by)
        is distinct from (old.id, old.order_blank_id, old.number, old.own_due_on, old.note, old.made_out_on, old.created_at, old.created_by) then
        raise exception 'what an amendment proposes is not changed' using errcode = 'integrity_constraint_violation', constraint = 'append_only';
    end if;
    return new;
end $$;
create trigger signed_is_frozen before update or delete on amendments for each row execute function refuse_change_of_amendment();

-- Whether this very transaction signs an amendment of this line. (Signing writes the amendment's row first.)
create function is_amended_now(the_line uuid) returns boolean language sql stable as $$
    select exists (select 1 from amendment_lines l join amendments a on a.id = l.amendment_id
        where l.line_id = the_line and a.state = 'signed' and a.xmin = pg_current_xact_id()::xid)
$$;

-- A signed line: what it is never changes; what the parties agreed on changes by an amendment only. Free are the term
-- (late material, outages, force majeure), its end, a pause, and a higher budget (orders.md §4, §6, §8).
create function refuse_change_of_signed_line() returns trigger language plpgsql as $$
begin
    if exists (select 1 from order_blanks where id = old.order_blank_id and signed_at is not null) then
        if tg_op = 'DELETE' or (new.id, new.order_blank_id, new.position, new.code, new.kind, new.price_list_item_id,
                new.ordered_first_day, new.ordered_last_day, new.budget_mode, new.one_off)
            is distinct from (old.id, old.order_blank_id, old.position, old.code, old.kind, old.price_list_item_id,
                old.ordered_first_day, old.ordered_last_day, old.budget_mode, old.one_off) then
            raise exception 'a signed order line is frozen' using errcode = 'integrity_constraint_violation', constraint = 'append_only';
        end if;
        if ((new.unit_price, new.quantity, new.rubrics, new.search_phrases, new.schedule, new.frequency_cap)
                is distinct from (old.unit_price, old.quantity, old.rubrics, old.search_phrases, old.schedule, old.frequency_cap)
                or (new.budget > 0 and new.budget < old.budget))
            and not is_amended_now(old.id) then
            raise exception 'a signed order line changes by an amendment' using errcode = 'integrity_constraint_violation', constraint = 'amendment_needed';
        end if;
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;
create trigger signed_is_frozen before update or delete on order_lines for each row execute function refuse_change_of_signed_line();

create function refuse_other_places() returns trigger language plpgsql as $$
declare the_line uuid;
begin
    if tg_op = 'INSERT' then the_line := new.line_id; else the_line := old.line_id; end if;
    if exists (select 1 from order_lines l join order_blanks b on b.id = l.order_blank_id where l.id = the_line and b.signed_at is not null)
        and not is_amended_now(the_line) then
        raise exception 'places of a signed order line change by an amendment' using errcode = 'integrity_constraint_violation', constraint = 'amendment_needed';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;
create trigger signed_is_frozen before insert or update or delete on line_placements for each row execute function refuse_other_places();
create trigger signed_is_frozen before insert or update or delete on line_regions for each row execute function refuse_other_places();

-- What an amendment takes off is no longer owed either.
alter table if exists invoice_reductions drop constraint if exists invoice_reductions_reason_check;
alter table if exists invoice_reductions
    add constraint invoice_reductions_reason_check check (reason in ('lapsed', 'terminated', 'amended'));
