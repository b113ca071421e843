-- What pages say besides: until when a task waits, when a worker has renewed its lease, and how many tasks were given up lately.

-- As before, and until when it waits.
create or replace view all_tasks as
select id, task_type_id, priority,
       case when worker_id is not null then 'running'::task_status
            when attempts > 0 then 'retrying'::task_status
            else 'pending'::task_status end as status,
       attempts, max_attempts, payload, metadata, retry_strategy, null::jsonb as result, errors, cancel_requested,
       null::dead_reason as dead_reason, created_by, scheduled_at, created_at, greatest(updated_at, started_at) as updated_at, started_at, null::timestamptz as finished_at,
       null::text as error_group, true as is_alive, case when run_at < 'infinity' then run_at end as next_attempt_at
from tasks
union all
select id, task_type_id, priority, status, attempts, max_attempts, payload, metadata, retry_strategy, result, errors, false,
       null::dead_reason, created_by, scheduled_at, created_at, finished_at, started_at, finished_at, null::text, false, null::timestamptz
from task_history
union all
select id, task_type_id, priority, 'failed'::task_status, attempts, max_attempts, payload, metadata, retry_strategy, null::jsonb, errors, false,
       reason, created_by, scheduled_at, created_at, finished_at, started_at, finished_at, error_group, false, null::timestamptz
from dead_tasks;

alter table workers add column renewed_at timestamptz not null default now();

create index dead_tasks_lately_idx on dead_tasks (task_type_id, finished_at);
