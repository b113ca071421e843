-- Accounts and logins. Emails and usernames are unique without regard to case, judged by the two indexes by name.

create type user_role as enum ('user', 'moderator', 'admin');

create table users (
    id uuid primary key,
    username text not null check (char_length(username) between 3 and 50),
    email text not null check (char_length(email) between 3 and 254),
    password_hash text not null,
    role user_role not null default 'user',
    is_active boolean not null default true,
    email_verified boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_login_at timestamptz
);

create unique index users_username_key on users (lower(username));
create unique index users_email_key on users (lower(email));

create type session_kind as enum ('browser', 'api');

-- One row a login, for browsers and programs alike. The token itself is never stored.
create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    token_hash bytea not null constraint sessions_token_hash_key unique check (octet_length(token_hash) = 32),
    kind session_kind not null,
    user_agent text,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    refreshed_at timestamptz not null default now(),
    idle_until timestamptz not null,
    absolute_until timestamptz not null,
    check (idle_until <= absolute_until)
);

create index sessions_user_id_idx on sessions (user_id);
