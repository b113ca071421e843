-- One round trip for a batch of ended attempts. Outcomes: 0 completed, 1 cancelled, 2 dead, 3 retry, 4 snoozed, 5 handed back.
-- The fence is in `ended` and in `again`: worker and lease epoch must be those of the claim. The worker is a column of `given` because
-- statistics that were taken while nothing ran say that no row has a worker, and a condition `worker_id = $1` would then make the
-- planner read all of `tasks` for the one row it expects. `id = any($2)` leaves it nothing but the primary key.
with given as materialized (
    select $1::bigint as worker_id, *
    from unnest($2::uuid[], $3::int[], $4::smallint[], $5::dead_reason[], $6::jsonb[], $7::text[], $8::float8[], $9::bigint[],
            $10::bigint[])
        as given (id, epoch, outcome, reason, result, error, delay, ran_ms, waited_ms)
), ended as (
    delete from tasks
    using given
    where tasks.id = any($2) and tasks.id = given.id and tasks.worker_id = given.worker_id and tasks.lease_epoch = given.epoch
      and (given.outcome <= 2 or tasks.cancel_requested)
    returning tasks.*, given.reason, given.result, given.error, given.ran_ms, given.waited_ms,
        case when given.outcome <= 2 then given.outcome else 1 end as outcome
), again as (
    update tasks
    set worker_id = null,
        attempts = case given.outcome when 3 then attempts else attempts - 1 end,
        lease_epoch = lease_epoch + 1,
        run_at = case when given.delay > 0 then now() + make_interval(secs => given.delay) end,
        seq = case given.outcome when 5 then seq else nextval('task_seq') end,
        errors = case when given.error is null then errors else coalesce(errors, '[]') || jsonb_build_array(
            jsonb_build_object('attempt', attempts, 'started_at', started_at, 'at', now(), 'error', given.error)) end,
        updated_at = now()
    from given
    where tasks.id = any($2) and tasks.id = given.id and tasks.worker_id = given.worker_id and tasks.lease_epoch = given.epoch
      and given.outcome > 2 and not tasks.cancel_requested
    returning tasks.*, given.outcome, given.ran_ms, given.waited_ms
), kept as (
    insert into task_history (id, task_type_id, priority, status, attempts, max_attempts, payload, metadata, retry_strategy, result, errors,
        created_by, worker_id, scheduled_at, created_at, started_at, finished_at)
    select ended.id, task_type_id, priority, case outcome when 0 then 'completed'::task_status else 'cancelled'::task_status end,
        attempts, max_attempts, payload, metadata, ended.retry_strategy, coalesce(result, checkpoint), errors, created_by, worker_id,
        scheduled_at, ended.created_at, started_at, now()
    from ended
    join task_types on task_types.id = ended.task_type_id
    where outcome = 1 or (outcome = 0 and keep_completed)
    returning status
), totalled as (
    insert into task_totals (day, status, spread, total)
    select (now() at time zone 'UTC')::date, status, $1 % 16, count(*) from kept group by status order by status
    on conflict (day, status, spread) do update set total = task_totals.total + excluded.total
), died as (
    insert into dead_tasks (id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version,
        metadata, retry_strategy, errors, created_by, worker_id, scheduled_at, created_at, started_at, checkpoint)
    select id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version, metadata,
        retry_strategy, coalesce(errors, '[]') || jsonb_build_array(
            jsonb_build_object('attempt', attempts, 'started_at', started_at, 'at', now(), 'error', error)),
        created_by, worker_id, scheduled_at, created_at, started_at, checkpoint
    from ended
    where outcome = 2
), freed as (
    delete from task_dependencies
    using ended
    where prerequisite_id = ended.id and (ended.outcome = 0 or not needs_success)
    returning dependent_id
), unblocked as (
    update tasks
    set pending_deps = pending_deps - freed.count, seq = nextval('task_seq'), updated_at = now(),
        run_at = case when pending_deps > freed.count then 'infinity'::timestamptz when scheduled_at > now() then scheduled_at end
    from (select dependent_id, count(*)::int as count from freed group by dependent_id order by dependent_id) as freed
    where tasks.id = freed.dependent_id
    returning tasks.id, created_by, run_at
), progressed as (
    delete from task_progress
    using (select id from ended union all select id from again) as gone
    where task_progress.task_id = gone.id
), left_running as (
    update task_type_state
    set running = greatest(0, running - gone.count)
    from (
        select task_type_id, count(*)::int as count
        from (select task_type_id from ended union all select task_type_id from again) as gone
        group by task_type_id
        order by task_type_id
    ) as gone
    join task_types on task_types.id = gone.task_type_id and max_running is not null
    where task_type_state.task_type_id = gone.task_type_id
), measured as (
    select task_type_id, outcome, ran_ms,
        width_bucket(ran_ms, '{2,3,6,11,21,51,101,201,501,1001,2001,5001,10001,20001,50001,100001}'::bigint[]) as bucket,
        waited_ms
    from (
        select task_type_id, outcome, ran_ms, waited_ms from ended
        union all
        select task_type_id, outcome, ran_ms, waited_ms from again where outcome = 3
    ) as attempts
), counted as (
    insert into task_stats (minute, task_type_id, worker_id, completed, failed, retried, cancelled, run_ms, wait_ms, run_histogram)
    select date_trunc('minute', now()), task_type_id, $1,
        count(*) filter (where outcome = 0), count(*) filter (where outcome = 2), count(*) filter (where outcome = 3),
        count(*) filter (where outcome = 1), sum(ran_ms), sum(waited_ms),
        array[count(*) filter (where bucket = 0), count(*) filter (where bucket = 1), count(*) filter (where bucket = 2),
              count(*) filter (where bucket = 3), count(*) filter (where bucket = 4), count(*) filter (where bucket = 5),
              count(*) filter (where bucket = 6), count(*) filter (where bucket = 7), count(*) filter (where bucket = 8),
              count(*) filter (where bucket = 9), count(*) filter (where bucket = 10), count(*) filter (where bucket = 11),
              count(*) filter (where bucket = 12), count(*) filter (where bucket = 13), count(*) filter (where bucket = 14),
              count(*) filter (where bucket = 15), count(*) filter (where bucket = 16)]
    from measured
    group by task_type_id
    -- A worker has two settlements under way: they lock the rows that both add to in one order.
    order by task_type_id
    on conflict (minute, task_type_id, worker_id) do update
    set completed = task_stats.completed + excluded.completed, failed = task_stats.failed + excluded.failed,
        retried = task_stats.retried + excluded.retried, cancelled = task_stats.cancelled + excluded.cancelled,
        run_ms = task_stats.run_ms + excluded.run_ms, wait_ms = task_stats.wait_ms + excluded.wait_ms,
        run_histogram = add_buckets(task_stats.run_histogram, excluded.run_histogram)
)
select id as "id!", created_by as owner,
    case outcome when 0 then 'completed'::task_status when 1 then 'cancelled' else 'failed' end as "status!: TaskStatus", false as "is_ready!"
from ended
union all
select id, created_by, case when attempts > 0 then 'retrying'::task_status else 'pending' end, run_at is null
from again
union all
select id, created_by, 'pending', true
from unblocked
where run_at is null
