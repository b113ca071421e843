-- The task queue. `tasks` holds what is alive and stays small; what has ended moves to `task_history`, what was given up to `dead_tasks`.

create type task_status as enum ('pending', 'running', 'retrying', 'completed', 'failed', 'cancelled');
create type breaker_state as enum ('closed', 'open', 'half_open');
create type missed_times as enum ('skip', 'once', 'all');
create type dead_reason as enum ('exhausted', 'fatal', 'poison', 'undecodable');

-- Entered by every server and worker at its start from the kinds in its code, with the policy of each.
create table task_types (
    id integer generated always as identity primary key,
    name text not null constraint task_types_name_key unique check (char_length(name) between 1 and 100),
    description text,
    is_active boolean not null default true,
    payload_version smallint not null default 1 check (payload_version >= 1),
    retry_strategy jsonb not null,
    keep_completed boolean not null default true,
    max_running integer check (max_running >= 1),
    rate_per_second double precision check (rate_per_second > 0),
    rate_burst double precision check (rate_burst >= 1),
    -- Failures, share of failures, seconds of the window, seconds of the first cool-down, probes that must succeed. Null: no breaker.
    breaker_failures integer check (breaker_failures >= 1),
    breaker_ratio double precision check (breaker_ratio between 0 and 1),
    breaker_window_seconds double precision check (breaker_window_seconds > 0),
    breaker_cooldown_seconds double precision check (breaker_cooldown_seconds > 0),
    breaker_probes integer check (breaker_probes >= 1),
    paused_at timestamptz,
    paused_reason text,
    paused_by uuid,
    registered_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint task_types_rate_check check ((rate_per_second is null) = (rate_burst is null)),
    constraint task_types_pause_check check ((paused_at is null) = (paused_reason is null)),
    constraint task_types_breaker_check check (
        num_nulls(breaker_failures, breaker_ratio, breaker_window_seconds, breaker_cooldown_seconds, breaker_probes) in (0, 5))
);

-- What claims and settlements of a limited, rated or broken type change under a lock; apart, so that they never meet a registration.
create table task_type_state (
    task_type_id integer primary key references task_types (id) on delete cascade,
    running integer not null default 0 check (running >= 0),
    tokens double precision not null default 0,
    tokens_at timestamptz not null default '-infinity',
    breaker breaker_state not null default 'closed',
    is_manual boolean not null default false,
    window_from timestamptz,
    window_ok integer not null default 0,
    window_failed integer not null default 0,
    probe_at timestamptz,
    times_opened integer not null default 0,
    probes_claimed integer not null default 0,
    probes_ok integer not null default 0,
    changed_at timestamptz not null default now()
) with (fillfactor = 50);

-- A worker holds one lease for all its tasks and renews it; when it lapses, any other worker takes the tasks back.
create table workers (
    id bigint generated always as identity primary key,
    host text not null,
    pid integer not null,
    version text not null,
    task_types text[] not null,
    concurrency integer not null,
    started_at timestamptz not null default now(),
    lease_until timestamptz not null,
    is_draining boolean not null default false,
    running integer not null default 0,
    done bigint not null default 0,
    fenced_out bigint not null default 0
) with (fillfactor = 50);

-- How far a worker has claimed in each lane: what a dead one was running lies below, so the rescue never reads the backlog.
create table worker_lanes (
    worker_id bigint not null references workers (id) on delete cascade,
    task_type_id integer not null,
    priority smallint not null,
    claimed_up_to bigint not null,
    primary key (worker_id, task_type_id, priority)
) with (fillfactor = 50);

create sequence task_seq;

-- Only what is alive. No column that a claim changes is named by an index or by its predicate, so a claim is a HOT update: one new
-- row version, no index entry. There are no foreign keys: each insert would lock the same few rows of the types.
create table tasks (
    id uuid primary key,
    -- The order within a lane (type and priority), given by the database: clocks of clients have no say.
    seq bigint not null default nextval('task_seq'),
    task_type_id integer not null,
    priority smallint not null check (priority between 0 and 3),
    -- Null: may run now, or runs. A time: waits for it. Infinity: waits for other tasks.
    run_at timestamptz,
    -- Set while it runs.
    worker_id bigint,
    -- The fencing number: one more at each claim and at each loss, so a settlement by a worker that lost the task matches nothing.
    lease_epoch integer not null default 0,
    attempts integer not null default 0 check (attempts between 0 and max_attempts),
    max_attempts integer not null check (max_attempts >= 1),
    rescues integer not null default 0,
    pending_deps integer not null default 0 check (pending_deps >= 0),
    cancel_requested boolean not null default false,
    payload jsonb not null,
    payload_version smallint not null,
    metadata jsonb,
    -- Null: the type's.
    retry_strategy jsonb,
    unique_key bytea check (octet_length(unique_key) = 16),
    errors jsonb,
    created_by uuid,
    scheduled_at timestamptz,
    created_at timestamptz not null default now(),
    -- When it was put where it stands; a claim leaves it alone, so it tells how long the task had been ready.
    updated_at timestamptz not null default now(),
    started_at timestamptz,
    constraint tasks_blocked_check check ((pending_deps > 0) = (run_at is not null and run_at = 'infinity')),
    constraint tasks_running_check check (worker_id is null or run_at is null)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_limit = 2000);

create index tasks_claim_idx on tasks (task_type_id, priority, seq) where run_at is null;
create index tasks_wait_idx on tasks (run_at) where run_at is not null;
create unique index tasks_unique_key on tasks (task_type_id, unique_key) where unique_key is not null;
create index tasks_owner_idx on tasks (created_by, id) where created_by is not null;

-- What ended well or was cancelled; a table a day, dropped by the day.
create table task_history (
    id uuid not null,
    task_type_id integer not null,
    priority smallint not null,
    status task_status not null check (status in ('completed', 'cancelled')),
    attempts integer not null,
    max_attempts integer not null,
    payload jsonb not null,
    metadata jsonb,
    retry_strategy jsonb,
    result jsonb,
    errors jsonb,
    created_by uuid,
    worker_id bigint,
    scheduled_at timestamptz,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz not null
) partition by range (finished_at);

create index task_history_id_idx on task_history (id);
create index task_history_owner_idx on task_history (created_by, id) where created_by is not null;
create index task_history_cancelled_idx on task_history (id) where status = 'cancelled';
-- Takes what ends while no table of its day has been made yet.
create table task_history_other partition of task_history default;

-- Dead letter: nothing happens to these by itself. A replay moves the row back to `tasks`, with the fencing number carried on.
create table dead_tasks (
    id uuid primary key,
    task_type_id integer not null,
    priority smallint not null,
    reason dead_reason not null,
    lease_epoch integer not null,
    attempts integer not null,
    max_attempts integer not null,
    rescues integer not null,
    payload jsonb not null,
    payload_version smallint not null,
    metadata jsonb,
    retry_strategy jsonb,
    errors jsonb not null,
    created_by uuid,
    worker_id bigint,
    scheduled_at timestamptz,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz not null default now()
);

create index dead_tasks_owner_idx on dead_tasks (created_by, id) where created_by is not null;
create index dead_tasks_type_idx on dead_tasks (task_type_id, id);

-- Chains and batches: a task with rows here as dependent waits until they are gone.
create table task_dependencies (
    prerequisite_id uuid not null,
    dependent_id uuid not null,
    -- A step of a chain needs the one before it to succeed; the callback of a batch only needs all to have ended.
    needs_success boolean not null,
    primary key (prerequisite_id, dependent_id)
);

create index task_dependencies_dependent_idx on task_dependencies (dependent_id);

-- Unique for a time, also after the task has ended.
create table task_uniques (
    task_type_id integer not null,
    unique_key bytea not null check (octet_length(unique_key) = 16),
    task_id uuid not null,
    expires_at timestamptz not null,
    primary key (task_type_id, unique_key)
);

-- How far a running task says it is. Of no worth after a crash, so not in the log.
create unlogged table task_progress (
    task_id uuid primary key,
    percent real not null check (percent between 0 and 100),
    message text,
    updated_at timestamptz not null default now()
);

create table task_schedules (
    id uuid primary key,
    name text not null constraint task_schedules_name_key unique check (char_length(name) between 1 and 100),
    task_type_id integer not null references task_types (id),
    payload jsonb not null,
    priority smallint not null check (priority between 0 and 3),
    cron text not null,
    time_zone text not null,
    -- What happens to the times that passed while nothing ran: none of them, one, or each of them.
    missed missed_times not null,
    is_paused boolean not null default false,
    next_at timestamptz,
    last_at timestamptz,
    last_task_id uuid,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index task_schedules_due_idx on task_schedules (next_at) where not is_paused;

-- Figures for graphs, added to by each batch of settlements, so that nobody counts tasks.
create table task_stats (
    minute timestamptz not null,
    task_type_id integer not null,
    worker_id bigint not null,
    completed bigint not null default 0,
    failed bigint not null default 0,
    retried bigint not null default 0,
    cancelled bigint not null default 0,
    run_ms bigint not null default 0,
    wait_ms bigint not null default 0,
    -- Attempts that took up to 1, 2, 5, 10, 20, 50 … 100 000 ms, and longer.
    run_histogram bigint[] not null check (cardinality(run_histogram) = 17),
    primary key (minute, task_type_id, worker_id)
) with (fillfactor = 50);

-- How many rows each day of the history has; spread over several rows a day, so that workers do not wait for one another.
create table task_totals (
    day date not null,
    status task_status not null,
    spread smallint not null,
    total bigint not null,
    primary key (day, status, spread)
) with (fillfactor = 50);

-- All tasks wherever they are, in the words of the API.
create view all_tasks as
select id, task_type_id, priority,
       case when worker_id is not null then 'running'::task_status
            when attempts > 0 then 'retrying'::task_status
            else 'pending'::task_status end as status,
       attempts, max_attempts, payload, metadata, retry_strategy, null::jsonb as result, errors, cancel_requested,
       null::dead_reason as dead_reason, created_by, scheduled_at, created_at, greatest(updated_at, started_at) as updated_at, started_at, null::timestamptz as finished_at
from tasks
union all
select id, task_type_id, priority, status, attempts, max_attempts, payload, metadata, retry_strategy, result, errors, false,
       null::dead_reason, created_by, scheduled_at, created_at, finished_at, started_at, finished_at
from task_history
union all
select id, task_type_id, priority, 'failed'::task_status, attempts, max_attempts, payload, metadata, retry_strategy, null::jsonb, errors, false,
       reason, created_by, scheduled_at, created_at, finished_at, started_at, finished_at
from dead_tasks;

-- Makes the history's table of a day. What lies in the table for everything else moves along.
create function make_history_of(wanted date) returns void language plpgsql as $$
declare
    name text := 'task_history_' || to_char(wanted, 'YYYYMMDD');
    from_at timestamptz := wanted::timestamp at time zone 'UTC';
    to_at timestamptz := (wanted + 1)::timestamp at time zone 'UTC';
begin
    -- Whoever reads the history for long must not keep settlements waiting behind this.
    perform set_config('lock_timeout', '2s', true);
    perform pg_advisory_xact_lock(hashtext('task_history'));
    if to_regclass(name) is not null then
        return;
    end if;
    execute format('create table %I (like task_history including defaults including constraints)', name);
    execute format('with moved as (delete from task_history_other where finished_at >= %L and finished_at < %L returning *)
                    insert into %I select * from moved', from_at, to_at, name);
    execute format('alter table task_history attach partition %I for values from (%L) to (%L)', name, from_at, to_at);
end
$$;

-- Drops the history's tables of all days before this one, and their totals; the answer is how many.
create function drop_history_before(oldest date) returns integer language plpgsql as $$
declare
    name text;
    dropped integer := 0;
begin
    perform set_config('lock_timeout', '2s', true);
    perform pg_advisory_xact_lock(hashtext('task_history'));
    for name in
        select child.relname from pg_inherits join pg_class child on child.oid = inhrelid
        where inhparent = 'task_history'::regclass and child.relname ~ '^task_history_\d{8}$'
          and to_date(right(child.relname, 8), 'YYYYMMDD') < oldest
    loop
        execute format('drop table %I', name);
        dropped := dropped + 1;
    end loop;
    delete from task_history_other where finished_at < oldest::timestamp at time zone 'UTC';
    delete from task_totals where day < oldest;
    return dropped;
end
$$;

-- The attempts of a retry strategy as the API writes it: `"none"`, or an object with one strategy.
create function max_attempts(strategy jsonb) returns integer language sql immutable as $$
    select case when jsonb_typeof(strategy) = 'string' then 1
                else (jsonb_path_query_first(strategy, '$.*.max_attempts'))::integer end
$$;

-- Adds two histograms, bucket by bucket.
create function add_buckets(one bigint[], other bigint[]) returns bigint[] language sql immutable as $$
    select array_agg(coalesce(a, 0) + coalesce(b, 0) order by place)
    from unnest(one, other) with ordinality as bucket (a, b, place)
$$;
