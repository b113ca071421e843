-- Notes, with whom they are shared, and what people are told in the program.

create table notes (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    title text not null check (char_length(title) between 1 and 200),
    -- Markdown. The limits of `notes` in the settings are within these.
    content text not null check (char_length(content) <= 100000),
    is_public boolean not null default false,
    -- Goes up by one at each edit, so that of two editors the second one can be told.
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- A moderator has taken it from the public, and said why.
    hidden_at timestamptz,
    hidden_reason text check (char_length(hidden_reason) between 1 and 500),
    -- A word of the title weighs more than one of the content.
    search tsvector not null generated always as (
        setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', content), 'B')
    ) stored,
    constraint notes_hidden_check check ((hidden_at is null) = (hidden_reason is null))
);

create index notes_user_id_idx on notes (user_id, updated_at desc);
create index notes_public_idx on notes (updated_at desc) where is_public;
create index notes_search_idx on notes using gin (search);

create type note_permission as enum ('read', 'write');

create table note_shares (
    id uuid primary key,
    note_id uuid not null references notes (id) on delete cascade,
    -- With whom. It is always the owner of the note who shares it.
    user_id uuid not null references users (id) on delete cascade,
    permission note_permission not null,
    created_at timestamptz not null default now(),
    constraint note_shares_user_key unique (note_id, user_id)
);

create index note_shares_user_id_idx on note_shares (user_id);

create table notifications (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    -- What it is about, so that a task that runs twice tells once.
    key text not null,
    text text not null,
    -- The page that it leads to, of this program.
    href text not null check (href like '/%'),
    created_at timestamptz not null default now(),
    read_at timestamptz,
    constraint notifications_key unique (user_id, key)
);

create index notifications_user_id_idx on notifications (user_id, id desc);
create index notifications_unread_idx on notifications (user_id) where read_at is null;
create index notifications_created_at_idx on notifications (created_at);
