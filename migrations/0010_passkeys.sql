-- Passkeys (WebAuthn), and the ceremonies by which they are made and used.

create table passkeys (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    name text not null check (char_length(name) between 1 and 100),
    credential_id bytea not null constraint passkeys_credential_id_key unique,
    -- The public key, its counter and flags, as webauthn-rs keeps them. Nothing of it is secret.
    credential jsonb not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);

create index passkeys_user_id_idx on passkeys (user_id);

-- What the server has asked a browser, until it answers: once, and within minutes.
create table passkey_ceremonies (
    id uuid primary key,
    -- Null while somebody logs in: who it is, the answer says.
    user_id uuid references users (id) on delete cascade,
    name text,
    state jsonb not null,
    expires_at timestamptz not null,
    check ((user_id is null) = (name is null))
);

create index passkey_ceremonies_expires_at_idx on passkey_ceremonies (expires_at);
