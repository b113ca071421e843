-- Where a login comes from and how long it counts as confirmed; and keys for programs.

alter table sessions
    add column ip inet,
    -- Until when the password need not be given again; a login of the program before counts as not confirmed.
    add column sudo_until timestamptz;

-- The key itself is never stored. A revoked one keeps its row, so that its owner sees when it was last used.
create table api_keys (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    name text not null check (char_length(name) between 1 and 100),
    -- The first characters of the key, for people to tell one from another.
    prefix text not null,
    key_hash bytea not null constraint api_keys_key_hash_key unique check (octet_length(key_hash) = 32),
    scopes text[] not null check (cardinality(scopes) > 0),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null check (expires_at > created_at),
    last_used_at timestamptz,
    revoked_at timestamptz
);

create index api_keys_user_id_idx on api_keys (user_id);
