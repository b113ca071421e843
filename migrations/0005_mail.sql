-- What mailed links are good for. A token is made when its letter is sent; only its hash is stored.

create type token_purpose as enum ('verify_email', 'reset_password');

create table user_tokens (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    purpose token_purpose not null,
    -- The task that sends the letter: a further attempt replaces the token of the one before.
    letter_id uuid not null constraint user_tokens_letter_id_key unique,
    token_hash bytea not null constraint user_tokens_token_hash_key unique check (octet_length(token_hash) = 32),
    -- The address that the letter went to; the link is good only while it is the user's.
    email text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    check (expires_at > created_at)
);

create index user_tokens_user_id_idx on user_tokens (user_id, purpose);
create index user_tokens_expires_at_idx on user_tokens (expires_at);
