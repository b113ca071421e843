-- Files that tasks leave for their owner, for a while.

create table task_files (
    -- No foreign key: tasks move between tables.
    task_id uuid primary key,
    owner uuid not null references users (id) on delete cascade,
    name text not null,
    content_type text not null,
    bytes bytea not null check (octet_length(bytes) <= 20971520),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

create index task_files_expires_at_idx on task_files (expires_at);
create index task_files_owner_idx on task_files (owner);
-- Compressed already, or soon gone.
alter table task_files alter column bytes set storage external;
