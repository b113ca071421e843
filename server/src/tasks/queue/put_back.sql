-- Tasks that no worker runs, or runs any more: ready again in the place that they had, cancelled when that was asked for, or dead as poison when too many workers
-- have died of them. $2 is how many rescues a task gets; null when no worker died. The caller holds locks on the rows.
with poisoned as (
    delete from tasks
    where id = any($1) and not cancel_requested and rescues + 1 >= $2
    returning *
), cancelled as (
    delete from tasks where id = any($1) and cancel_requested returning *
), again as (
    update tasks
    set worker_id = null, attempts = attempts - 1, lease_epoch = lease_epoch + 1, updated_at = now(),
        rescues = case when $2::int is null then rescues else rescues + 1 end,
        errors = case when $2 is null then errors else coalesce(errors, '[]') || jsonb_build_array(jsonb_build_object(
            'attempt', attempts, 'started_at', started_at, 'at', now(), 'error', 'The worker died during attempt ' || attempts)) end
    where id = any($1) and not cancel_requested and ($2 is null or rescues + 1 < $2)
    returning *
), died as (
    insert into dead_tasks (id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version,
        metadata, retry_strategy, errors, created_by, worker_id, scheduled_at, created_at, started_at, checkpoint)
    select id, task_type_id, priority, 'poison', lease_epoch, attempts, max_attempts, rescues + 1, payload, payload_version, metadata,
        retry_strategy, coalesce(errors, '[]') || jsonb_build_array(jsonb_build_object(
            'attempt', attempts, 'started_at', started_at, 'at', now(), 'error', 'The worker died during attempt ' || attempts)),
        created_by, worker_id, scheduled_at, created_at, started_at, checkpoint
    from poisoned
), kept as (
    insert into task_history (id, task_type_id, priority, status, attempts, max_attempts, payload, metadata, retry_strategy, result, errors,
        created_by, worker_id, scheduled_at, created_at, started_at, finished_at)
    select id, task_type_id, priority, 'cancelled', attempts, max_attempts, payload, metadata, retry_strategy, checkpoint, errors,
        created_by, worker_id, scheduled_at, created_at, started_at, now()
    from cancelled
), totalled as (
    insert into task_totals (day, status, spread, total)
    select (now() at time zone 'UTC')::date, 'cancelled', 0, count(*) from cancelled having count(*) > 0
    on conflict (day, status, spread) do update set total = task_totals.total + excluded.total
), freed as (
    delete from task_dependencies
    using (select id from poisoned union all select id from cancelled) as gone
    where prerequisite_id = gone.id and not needs_success
    returning dependent_id
), unblocked as (
    update tasks
    set pending_deps = pending_deps - freed.count, seq = nextval('task_seq'), updated_at = now(),
        run_at = case when pending_deps > freed.count then 'infinity'::timestamptz when scheduled_at > now() then scheduled_at end
    from (select dependent_id, count(*)::int as count from freed group by dependent_id) as freed
    where tasks.id = freed.dependent_id
    returning tasks.id, created_by, run_at
), progressed as (
    delete from task_progress where task_id = any($1)
), left_running as (
    update task_type_state
    set running = greatest(0, running - gone.count)
    from (
        select task_type_id, count(*)::int as count from tasks where id = any($1) and worker_id is not null
        group by task_type_id order by task_type_id
    ) as gone
    join task_types on task_types.id = gone.task_type_id and max_running is not null
    where task_type_state.task_type_id = gone.task_type_id
)
select id as "id!", created_by as owner, case when attempts > 0 then 'retrying'::task_status else 'pending' end as "status!: TaskStatus",
    true as "is_ready!"
from again
union all
select id, created_by, 'failed', false from poisoned
union all
select id, created_by, 'cancelled', false from cancelled
union all
select id, created_by, 'pending', true from unblocked where run_at is null
