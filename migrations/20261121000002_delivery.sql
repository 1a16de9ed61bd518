-- Counting (delivery.md §4–§6a). No row per impression: bits per line and epoch, sums per hour.

-- One row for each day and version of a media line's plan: target in so'm (exact), impressions for the day.
create table day_plans (
    line_id     uuid not null references order_lines (id),
    day         date not null,
    version     bigint not null,
    planned_at  timestamptz not null,
    -- the instant from which this plan spreads what is left: the day's start, or a change during the day
    base_at     timestamptz not null,
    target      numeric(30,12) not null check (target >= 0),
    quota       bigint not null check (quota >= 0),
    -- counted impressions of the day before base_at; the plan admits quota in all for the day
    counted_before_base bigint not null default 0,
    -- 0: the whole term; 202611: a monthly budget's month
    scope       integer not null,
    -- hard limit of impressions in the scope
    cap         bigint not null check (cap >= 0),
    -- relative weight of each Tashkent hour of the day
    curve       integer[] not null check (cardinality(curve) = 24),
    extra_period_id uuid references extra_periods (id),
    primary key (line_id, day, version)
);

-- A generation is one life of a line's counter in a counter store; a lost store gets a new one, so that no number is
-- ever given out twice.
create table counter_generations (
    id           bigint generated always as identity primary key,
    line_id      uuid not null references order_lines (id),
    -- 0: the whole term; 202611: a monthly budget's month
    scope        integer not null default 0,
    installed_at timestamptz not null
);
create index counter_generations_of_line on counter_generations (line_id, id desc);

create table applied_segments (
    segment_id uuid primary key,
    node       text not null,
    records    integer not null,
    sha256     text not null,
    applied_at timestamptz not null,
    location   text not null default ''
);

-- kind: 1 impression, 2 viewable, 3 click. Bit n is the n-th number of the line's epoch.
create table epoch_bitmaps (
    line_id    uuid not null references order_lines (id),
    generation bigint not null,
    epoch      bigint not null,
    kind       smallint not null check (kind in (1, 2, 3)),
    bits       bytea not null,
    counted    integer not null,
    primary key (line_id, generation, epoch, kind)
);
create index epoch_bitmaps_by_epoch on epoch_bitmaps (epoch) where kind = 1;

create table line_hours (
    line_id      uuid not null references order_lines (id),
    hour         timestamptz not null,
    placement_id uuid not null,
    material_id  uuid not null,
    region       text not null,
    impressions  bigint not null default 0,
    viewable     bigint not null default 0,
    clicks       bigint not null default 0,
    invalid      bigint not null default 0,
    -- acknowledged, but beyond what the budget pays for: reported, never charged
    over_cap     bigint not null default 0,
    primary key (line_id, hour, placement_id, material_id, region)
);

-- Counted impressions of a line by epoch's start: what plans are made from (an epoch never straddles a day).
create table line_epochs (
    line_id     uuid not null references order_lines (id),
    epoch       bigint not null,
    day         date not null,
    scope       integer not null,
    impressions bigint not null default 0,
    primary key (line_id, epoch)
);
create index line_epochs_by_day on line_epochs (line_id, day);

create table line_totals (
    line_id uuid not null references order_lines (id),
    scope   integer not null,
    counted bigint not null default 0,
    cap     bigint not null,
    primary key (line_id, scope),
    constraint never_over_the_budget check (counted <= cap)
);
comment on table line_totals is 'The authority for money: counted never exceeds what the budget pays for (delivery.md §5 Hard limit).';

-- The budget counter's own total of an epoch, told by the counter store when it closes; compared with line_epochs.
create table counter_totals (
    line_id     uuid not null references order_lines (id),
    generation  bigint not null,
    epoch       bigint not null,
    granted     bigint not null,
    shown       bigint not null,
    closed_at   timestamptz not null,
    primary key (line_id, generation, epoch)
);
create index counter_totals_by_epoch on counter_totals (epoch);

create table line_demand (
    line_id       uuid not null references order_lines (id),
    day           date not null,
    opportunities bigint not null default 0,
    primary key (line_id, day)
);

create table traffic_hours (
    placement_id uuid not null references placements (id),
    region       text not null,
    hour         timestamptz not null,
    requests     bigint not null default 0,
    primary key (placement_id, region, hour)
);

create table nodes (
    name             text primary key,
    address          text not null default '',
    started_at       timestamptz not null,
    last_seen_at     timestamptz not null,
    snapshot_version bigint not null default 0
);

-- Token keys (HMAC-SHA-256), rotated: the newest signs, older ones verify until they expire.
create table token_keys (
    id         smallint primary key,
    secret     bytea not null,
    created_at timestamptz not null,
    retired_at timestamptz
);
