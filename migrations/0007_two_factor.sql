-- A second factor for accounts: codes of an app (RFC 6238), recovery codes, and logins that wait for one of them.

create table two_factor (
    user_id uuid primary key references users (id) on delete cascade,
    -- Encrypted with `auth.encryption_key`: the program needs the secret itself to know a code.
    secret bytea not null,
    created_at timestamptz not null default now(),
    -- Nothing asks for codes before the first one has come.
    confirmed_at timestamptz,
    -- The step of time of the last code that was accepted: it and all before it are used up.
    last_step bigint not null default 0,
    -- Wrong codes since `misses_since`.
    misses integer not null default 0,
    misses_since timestamptz not null default now()
);

create table recovery_codes (
    user_id uuid not null references two_factor (user_id) on delete cascade,
    code_hash bytea not null check (octet_length(code_hash) = 32),
    used_at timestamptz,
    primary key (user_id, code_hash)
);

-- The password was right, the code is awaited. No session: it opens nothing but the question for the code.
create table login_challenges (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    token_hash bytea not null constraint login_challenges_token_hash_key unique check (octet_length(token_hash) = 32),
    tries integer not null default 0,
    -- Whether the browser keeps the session that comes of it when it is closed.
    is_remembered boolean not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null check (expires_at > created_at)
);

create index login_challenges_user_id_idx on login_challenges (user_id);
create index login_challenges_expires_at_idx on login_challenges (expires_at);
