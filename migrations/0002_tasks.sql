-- The task queue: what workers know, who works, and what is to be done.

create type task_status as enum ('pending', 'running', 'retrying', 'completed', 'failed', 'cancelled');
create type task_priority as enum ('low', 'normal', 'high', 'critical');

-- Filled by every server and worker at its start from the kinds in its code.
create table task_types (
    name text primary key check (char_length(name) between 1 and 100),
    description text,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- A worker holds one lease for all its tasks and renews it; when it lapses, any other worker takes the tasks back.
create table workers (
    id uuid primary key,
    started_at timestamptz not null default now(),
    lease_until timestamptz not null
);

create table tasks (
    id uuid primary key,
    task_type text not null references task_types (name),
    status task_status not null default 'pending',
    priority task_priority not null default 'normal',
    payload jsonb not null,
    metadata jsonb not null default '{}',
    retry_strategy jsonb not null,
    max_attempts integer not null check (max_attempts >= 1),
    current_attempt integer not null default 0 check (current_attempt between 0 and max_attempts),
    run_at timestamptz not null default now(),
    scheduled_at timestamptz,
    -- The fencing number: one more at each claim and each rescue, so a settlement by a worker that lost the task matches nothing.
    lease_epoch bigint not null default 0,
    worker_id uuid,
    cancel_requested boolean not null default false,
    result jsonb,
    last_error text,
    created_by uuid references users (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    started_at timestamptz,
    completed_at timestamptz,
    constraint tasks_worker_check check ((status = 'running') = (worker_id is not null)),
    constraint tasks_end_check check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null))
);

-- The claim reads this index from its start.
create index tasks_due_idx on tasks (priority desc, run_at, id) where status in ('pending', 'retrying');
create index tasks_worker_idx on tasks (worker_id) where worker_id is not null;
-- Lists: newest first. UUIDv7 ids are in the order of creation.
create index tasks_owner_idx on tasks (created_by, id desc);

-- Two bells: `task_ready` wakes workers, `task_changed` tells pages. Both only wake; the table is the truth.
create function tell_of_task() returns trigger language plpgsql as $$
begin
    if new.status in ('pending', 'retrying') and new.run_at <= now() then
        perform pg_notify('task_ready', '');
    end if;
    perform pg_notify('task_changed', json_build_object(
        'id', new.id, 'owner', new.created_by, 'status', new.status, 'cancel_requested', new.cancel_requested)::text);
    return null;
end
$$;

create trigger tasks_tell after insert or update on tasks for each row execute function tell_of_task();
