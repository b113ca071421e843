-- What keeps guessers slow: a bucket for each limit and account or address, and the devices that an account was used on.

-- Nothing here is worth a write to the log: after a crash every bucket is full again.
create unlogged table rate_limits (
    -- A hash of the limit and of what it is for: people type passwords into the field of the name.
    key bytea primary key check (octet_length(key) = 32),
    -- When everything that was taken will be there again.
    full_at timestamptz not null
);

create index rate_limits_full_at_idx on rate_limits (full_at);

create table known_devices (
    token_hash bytea not null check (octet_length(token_hash) = 32),
    user_id uuid not null references users (id) on delete cascade,
    expires_at timestamptz not null,
    primary key (token_hash, user_id)
);

create index known_devices_user_id_idx on known_devices (user_id);
create index known_devices_expires_at_idx on known_devices (expires_at);

-- Whether the browser keeps the session when it is closed.
alter table sessions add column is_remembered boolean not null default false;
