-- Parties, price lists, order blanks, ad materials: what a contract is made of (orders.md).
-- Signed terms are frozen in order_blanks.canonical_json; every later change of a line is a row of line_changes, and the
-- current value is kept beside the line in the same transaction.

create table operator (
    id                 smallint primary key default 1 check (id = 1),
    legal_name         text not null,
    city               text not null,
    address            text not null,
    stir               text not null check (stir ~ '^[0-9]{9}$'),
    bank_name          text not null,
    mfo                text not null check (mfo ~ '^[0-9]{5}$'),
    settlement_account text not null check (settlement_account ~ '^[0-9]{20}$'),
    oked               text not null default '',
    vat_code           text not null default '',
    director           text not null,
    accountant         text not null default '',
    email              text not null,
    phone              text not null,
    penalty_cap_percent numeric(9,4) check (penalty_cap_percent > 0)
);

-- Whether the operator pays VAT, from a day on; the latest row not after a day is in force.
create table operator_vat_status (
    valid_from date primary key,
    vat_payer  boolean not null
);

create table vat_rates (
    valid_from date primary key,
    rate       numeric(6,4) not null check (rate between 0 and 1)
);
insert into vat_rates (valid_from, rate) values ('1992-01-01', 0.20), ('2019-10-01', 0.15), ('2023-01-01', 0.12);

-- Exceptions to Monday–Friday, with who made them (spec README rule 3). Shipped days are put in by the program.
create table calendar_days (
    day        date primary key,
    working    boolean not null,
    changed_by text not null,
    changed_at timestamptz not null
);

create table rules_editions (
    number        integer primary key,
    text          text not null,
    sha256        text not null,
    published_on  date not null,
    in_force_from date not null
);

create table number_series (
    kind        text not null,
    year        integer not null,
    last_number bigint not null check (last_number >= 0),
    primary key (kind, year)
);
comment on table number_series is 'Gapless numbers: the row is locked by the transaction that takes the next one.';

create table customers (
    id                 uuid primary key,
    code               text not null constraint customer_code_is_unique unique,
    kind               text not null check (kind in ('legal_entity', 'sole_trader', 'person')),
    name               text not null,
    stir               text check (stir ~ '^[0-9]{9}$'),
    pinfl              text check (pinfl ~ '^[0-9]{14}$'),
    address            text not null,
    bank_name          text not null default '',
    mfo                text check (mfo ~ '^[0-9]{5}$'),
    settlement_account text check (settlement_account ~ '^[0-9]{20}$'),
    oked               text not null default '',
    vat_code           text not null default '',
    email              text not null,
    phone              text not null,
    signatory          text not null,
    authority          text not null,
    category           text not null default 'regular',
    language           text not null default 'uz-Latn' check (language in ('uz-Latn', 'uz-Cyrl', 'ru', 'en')),
    suspended_at       timestamptz,
    consent_withdrawn_at timestamptz,
    created_at         timestamptz not null,
    constraint customer_has_a_tax_number check (stir is not null or pinfl is not null)
);
create unique index customer_stir_is_unique on customers (stir) where stir is not null;
create unique index customer_pinfl_is_unique on customers (pinfl) where pinfl is not null;

create table regions (
    code    text primary key check (code ~ '^[A-Z]{2}(-[A-Z0-9]{1,3}(/[a-z0-9-]{1,40})?)?$'),
    parent  text references regions (code),
    name_uz text not null,
    name_ru text not null,
    name_en text not null
);

create table apps (
    id              uuid primary key,
    code            text not null constraint app_code_is_unique unique,
    name            text not null,
    partner         boolean not null default false,
    publishable_key text not null constraint app_key_is_unique unique
);

create table placements (
    id           uuid primary key,
    code         text not null constraint placement_code_is_unique unique,
    app_id       uuid not null references apps (id),
    name_uz      text not null,
    name_ru      text not null,
    name_en      text not null,
    kind         text not null check (kind in ('banner', 'text_image', 'article', 'comment', 'text')),
    width        integer not null default 0,
    height       integer not null default 0,
    bytes_max    integer not null default 307200,
    text_max     integer not null default 0
);

create table price_lists (
    id           uuid primary key,
    valid_from   date not null constraint price_list_day_is_unique unique,
    published_at timestamptz not null
);

create table price_list_items (
    id            uuid primary key,
    price_list_id uuid not null references price_lists (id),
    code          text not null,
    kind          text not null check (kind in ('impressions', 'period', 'additional')),
    name_uz       text not null,
    name_ru       text not null,
    name_en       text not null,
    unit          text not null,
    unit_price    numeric(20,6) not null check (unit_price >= 0),
    constraint price_list_item_code_is_unique unique (price_list_id, code)
);

create table order_blanks (
    id                uuid primary key,
    number            text not null constraint order_blank_number_is_unique unique,
    code              text not null constraint order_blank_code_is_unique unique,
    customer_id       uuid not null references customers (id),
    city              text not null,
    state             text not null check (state in ('draft', 'offered', 'signed', 'in_service', 'completed', 'terminated', 'cancelled')),
    rules_edition     integer not null references rules_editions (number),
    prepayment        text not null check (prepayment in ('full', 'monthly')),
    own_due_on        date,
    statistics_source text not null default 'own' check (statistics_source in ('own', 'gam')),
    notice_emails     text[] not null,
    made_out_on       date not null,
    vat_rate          numeric(6,4) not null check (vat_rate between 0 and 1),
    vat_payer         boolean not null,
    created_at        timestamptz not null,
    offered_at        timestamptz,
    signed_at         timestamptz,
    signed_on         date,
    signature_kind    text check (signature_kind in ('cabinet_code', 'paper')),
    signed_by         text,
    canonical_json    text,
    sha256            text,
    constraint signed_blank_is_frozen check (
        (signed_at is null and signed_on is null and canonical_json is null and sha256 is null)
        or (signed_at is not null and signed_on is not null and canonical_json is not null and sha256 is not null)
    )
);
create index order_blanks_of_customer on order_blanks (customer_id, created_at);

create table signing_codes (
    order_blank_id uuid primary key references order_blanks (id),
    code_hash      bytea not null,
    expires_at     timestamptz not null,
    attempts       integer not null default 0
);
comment on table signing_codes is 'The one-time code sent to the notice e-mail for signing in the cabinet (orders.md §3).';

create table order_lines (
    id                 uuid primary key,
    order_blank_id     uuid not null references order_blanks (id),
    position           integer not null,
    code               text not null constraint order_line_code_is_unique unique,
    kind               text not null check (kind in ('media', 'period', 'additional')),
    price_list_item_id uuid not null references price_list_items (id),
    unit_price         numeric(20,6) not null,
    -- the ordered term; never changed
    ordered_first_day  date not null,
    ordered_last_day   date not null,
    -- the term in force (moved by late material, ended by termination); see line_changes
    first_day          date not null,
    last_day           date not null,
    budget_mode        text check (budget_mode in ('total', 'monthly')),
    budget             numeric(18,2) check (budget > 0),
    quantity           numeric(18,6),
    one_off            boolean not null default false,
    paused_at          timestamptz,
    -- first day without service
    ended_on           date,
    constraint order_line_position_is_unique unique (order_blank_id, position),
    constraint media_line_has_a_budget check ((kind = 'media') = (budget is not null and budget_mode is not null)),
    constraint term_is_not_empty check (first_day <= last_day and ordered_first_day <= ordered_last_day)
);
create index order_lines_in_term on order_lines (last_day, first_day);

create table line_placements (
    line_id      uuid not null references order_lines (id),
    placement_id uuid not null references placements (id),
    primary key (line_id, placement_id)
);

create table line_regions (
    line_id uuid not null references order_lines (id),
    region  text not null references regions (code),
    primary key (line_id, region)
);

create table line_changes (
    id         bigint generated always as identity primary key,
    line_id    uuid not null references order_lines (id),
    changed_at timestamptz not null,
    actor      text not null,
    kind       text not null,
    details    jsonb not null
);
create index line_changes_of_line on line_changes (line_id, id);

create table files (
    sha256     text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
    media_type text not null,
    content    bytea not null,
    stored_at  timestamptz not null
);

create table ad_materials (
    id           uuid primary key,
    line_id      uuid not null references order_lines (id),
    version      integer not null,
    kind         text not null check (kind in ('banner', 'text_image', 'article', 'comment', 'text')),
    title        text not null,
    body         text not null default '',
    target_url   text not null,
    file_sha256  text references files (sha256),
    width        integer not null default 0,
    height       integer not null default 0,
    submitted_at timestamptz not null,
    submitted_by text not null,
    -- first day on which this version runs (late rules applied)
    live_from    date not null,
    constraint ad_material_version_is_unique unique (line_id, version)
);

-- Moderation is a history; the last row is the state. A material itself never changes (orders.md §4).
create table moderation_decisions (
    id          bigint generated always as identity primary key,
    material_id uuid not null references ad_materials (id),
    state       text not null check (state in ('submitted', 'in_review', 'approved', 'rejected', 'documents_required', 'withdrawn')),
    reasons     text[] not null default '{}',
    comment     text not null default '',
    decided_at  timestamptz not null,
    decided_by  text not null
);
create index moderation_decisions_of_material on moderation_decisions (material_id, id desc);

create table extra_periods (
    id           uuid primary key,
    line_id      uuid not null references order_lines (id),
    first_day    date not null,
    last_day     date not null,
    extra_budget numeric(18,2) not null check (extra_budget > 0),
    set_at       timestamptz not null,
    set_by       text not null,
    ended        text check (ended in ('expired', 'switched_off', 'exhausted')),
    ended_at     timestamptz,
    -- last day that was paced by the extra period, when it was ended
    ended_on     date,
    constraint extra_period_is_not_empty check (first_day <= last_day),
    constraint extra_period_ends_whole check ((ended is null) = (ended_at is null))
);
create unique index one_extra_period_at_a_time on extra_periods (line_id) where ended is null;

-- Bumped by every transaction that changes what may run; nodes listen on channel `snapshot` and poll this row.
create table snapshot_version (
    id      smallint primary key default 1 check (id = 1),
    version bigint not null
);
insert into snapshot_version (version) values (1);
