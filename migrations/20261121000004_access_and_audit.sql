-- Who may act, what they did, and answers kept for repeated requests.

create table users (
    id            uuid primary key,
    login         text not null constraint login_is_unique unique check (login = lower(login)),
    password_hash text not null,
    kind          text not null check (kind in ('customer', 'staff')),
    customer_id   uuid references customers (id),
    role          text not null check (role in ('owner', 'manager', 'accountant', 'viewer', 'sales', 'moderator', 'traffic', 'admin')),
    language      text not null default 'uz-Latn' check (language in ('uz-Latn', 'uz-Cyrl', 'ru', 'en')),
    created_at    timestamptz not null,
    locked_at     timestamptz,
    constraint customer_users_have_a_customer check ((kind = 'customer') = (customer_id is not null))
);

create table sessions (
    token_hash bytea primary key,
    user_id    uuid not null references users (id),
    csrf       text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at   timestamptz
);
create index sessions_of_user on sessions (user_id);

create table api_keys (
    id          uuid primary key,
    key_hash    bytea not null constraint api_key_is_unique unique,
    name        text not null,
    role        text not null check (role in ('owner', 'manager', 'accountant', 'viewer', 'sales', 'moderator', 'traffic', 'admin')),
    customer_id uuid references customers (id),
    created_at  timestamptz not null,
    revoked_at  timestamptz
);

create table idempotency_keys (
    scope       text not null,
    key         text not null,
    body_sha256 text not null,
    status      integer not null,
    answer      text not null,
    created_at  timestamptz not null,
    primary key (scope, key)
);

create table audit_log (
    id      bigint generated always as identity primary key,
    at      timestamptz not null,
    actor   text not null,
    action  text not null,
    subject text not null,
    details jsonb not null
);
create trigger append_only before update or delete on audit_log for each row execute function refuse_change();

-- Append-only, as the contract says: a change of a line or a moderation decision is a new row, a signed blank is frozen but
-- for its state.
create trigger append_only before update or delete on line_changes for each row execute function refuse_change();
create trigger append_only before update or delete on moderation_decisions for each row execute function refuse_change();
create trigger append_only before update or delete on rules_editions for each row execute function refuse_change();

create function refuse_change_of_signed() returns trigger language plpgsql as $$
begin
    if old.signed_at is not null and (tg_op = 'DELETE' or to_jsonb(new) - 'state' <> to_jsonb(old) - 'state') then
        raise exception 'a signed order blank is frozen' using errcode = 'integrity_constraint_violation', constraint = 'append_only';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;
create trigger signed_is_frozen before update or delete on order_blanks for each row execute function refuse_change_of_signed();
