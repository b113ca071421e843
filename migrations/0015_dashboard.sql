-- What the pages of operators read: the dead letter by error, how deep the queue was, and lists by type.

-- The last error without what differs from task to task, so that a thousand failures of one cause are one line.
create function error_group(errors jsonb) returns text language sql immutable parallel safe as $$
    select left(regexp_replace(coalesce(errors -> -1 ->> 'error', ''), '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9]+',
        '#', 'g'), 200)
$$;

alter table dead_tasks add column error_group text not null generated always as (error_group(errors)) stored;
create index dead_tasks_group_idx on dead_tasks (task_type_id, error_group, finished_at);

-- The history is appended to and never changed, so an index there is no burden for claims (decision 12). Priorities are few, and most
-- tasks have the normal one: that one is found by reading on.
create index task_history_type_idx on task_history (task_type_id, id);
create index task_history_urgent_idx on task_history (priority, id) where priority <> 1;

-- As before, and by which error it died, and whether it is alive: a filter by state then leaves whole tables out.
create or replace view all_tasks as
select id, task_type_id, priority,
       case when worker_id is not null then 'running'::task_status
            when attempts > 0 then 'retrying'::task_status
            else 'pending'::task_status end as status,
       attempts, max_attempts, payload, metadata, retry_strategy, null::jsonb as result, errors, cancel_requested,
       null::dead_reason as dead_reason, created_by, scheduled_at, created_at, greatest(updated_at, started_at) as updated_at, started_at, null::timestamptz as finished_at,
       null::text as error_group, true as is_alive
from tasks
union all
select id, task_type_id, priority, status, attempts, max_attempts, payload, metadata, retry_strategy, result, errors, false,
       null::dead_reason, created_by, scheduled_at, created_at, finished_at, started_at, finished_at, null::text, false
from task_history
union all
select id, task_type_id, priority, 'failed'::task_status, attempts, max_attempts, payload, metadata, retry_strategy, null::jsonb, errors, false,
       reason, created_by, scheduled_at, created_at, finished_at, started_at, finished_at, error_group, false
from dead_tasks;

-- The queue once a minute, written by whichever worker comes first, so that graphs have a past. A minute without a row: no worker was there.
create table queue_samples (
    minute timestamptz primary key,
    -- Each lane is counted up to 10 000.
    ready bigint not null,
    running bigint not null,
    oldest_ready_seconds double precision
);
