-- What made a task: a schedule, a note, another task. In words and as an address, so that the queue need not know what there is. Few tasks
-- have one, so it is no column of theirs.

create table task_origins (
    -- No foreign key: tasks move between tables.
    task_id uuid primary key,
    title text not null check (char_length(title) between 1 and 200),
    address text not null check (address like '/%'),
    created_at timestamptz not null default now()
);

create index task_origins_created_idx on task_origins (created_at);
