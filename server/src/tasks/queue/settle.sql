-- One round trip for a batch of ended attempts. Outcomes: 0 completed, 1 cancelled, 2 dead, 3 retry, 4 snoozed, 5 handed back.
-- The fence is in `ended` and in `again`: worker and lease epoch must be those of the claim. The ids are sorted, so `width_bucket` finds the place
-- of one, and what the other arrays say of it. A join would do, but statistics that were taken while nothing waited say that no row will come,
-- and for so few the planner compares each with each: a quarter of a million times for 500.
with ended as (
    delete from tasks
    where id = any($2) and worker_id = $1 and lease_epoch = ($3::int[])[width_bucket(id, $2)]
      and (($4::smallint[])[width_bucket(id, $2)] <= 2 or cancel_requested)
    returning *, width_bucket(id, $2) as place,
        case when ($4)[width_bucket(id, $2)] <= 2 then ($4)[width_bucket(id, $2)] else 1 end as outcome
), again as (
    update tasks
    set (worker_id, attempts, lease_epoch, run_at, seq, errors, updated_at) = (
        select null::bigint, case outcome when 3 then attempts else attempts - 1 end, lease_epoch + 1,
            case when delay > 0 then now() + make_interval(secs => delay) end,
            case outcome when 5 then seq else nextval('task_seq') end,
            case when error is null then errors else coalesce(errors, '[]') || jsonb_build_array(
                jsonb_build_object('attempt', attempts, 'started_at', started_at, 'at', now(), 'error', error)) end,
            now()
        from (select ($4)[place] as outcome, ($7::text[])[place] as error, ($8::float8[])[place] as delay from width_bucket(id, $2) as place) as given
    )
    where id = any($2) and worker_id = $1 and lease_epoch = ($3::int[])[width_bucket(id, $2)]
      and ($4)[width_bucket(id, $2)] > 2 and not cancel_requested
    returning *, width_bucket(id, $2) as place
), kept as (
    insert into task_history (id, task_type_id, priority, status, attempts, max_attempts, payload, metadata, retry_strategy, result, errors,
        created_by, worker_id, scheduled_at, created_at, started_at, finished_at)
    select ended.id, task_type_id, priority, case outcome when 0 then 'completed'::task_status else 'cancelled'::task_status end,
        attempts, max_attempts, payload, metadata, ended.retry_strategy, coalesce(($6::jsonb[])[place], checkpoint), errors, created_by, worker_id,
        scheduled_at, ended.created_at, started_at, now()
    from ended
    join task_types on task_types.id = ended.task_type_id
    where outcome = 1 or (outcome = 0 and keep_completed)
    returning status
), totalled as (
    insert into task_totals (day, status, spread, total)
    -- A few rows on a quiet day, so that workers do not wait for one another; in a busy hour they go on in others as those of `counted` do.
    select (now() at time zone 'UTC')::date, status, pg_current_xact_id()::text::bigint / 1024 % 512 * 16 + floor(random() * 16)::bigint, count(*)
    from kept
    group by status
    order by status
    on conflict (day, status, spread) do update set total = task_totals.total + excluded.total
), died as (
    insert into dead_tasks (id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version,
        metadata, retry_strategy, errors, created_by, worker_id, scheduled_at, created_at, started_at, checkpoint)
    select id, task_type_id, priority, ($5::dead_reason[])[place], lease_epoch, attempts, max_attempts, rescues, payload, payload_version, metadata,
        retry_strategy, coalesce(errors, '[]') || jsonb_build_array(
            jsonb_build_object('attempt', attempts, 'started_at', started_at, 'at', now(), 'error', ($7)[place])),
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
    select task_type_id, outcome, ($9::bigint[])[place] as ran_ms,
        width_bucket(($9)[place], '{2,3,6,11,21,51,101,201,501,1001,2001,5001,10001,20001,50001,100001}'::bigint[]) as bucket,
        ($10::bigint[])[place] as waited_ms
    from (
        select task_type_id, outcome, place from ended
        union all
        select task_type_id, 3, place from again where ($4)[place] = 3
    ) as attempts
), counted as (
    insert into task_stats (minute, task_type_id, worker_id, completed, failed, retried, cancelled, run_ms, wait_ms, run_histogram)
    -- A row or two in a quiet minute. In a busy one they go on in another row after so many transactions, by another second of the minute: while some
    -- transaction stays open all versions of a row stay, and each settlement would walk over all of the minute's.
    select date_trunc('minute', now()) + make_interval(secs => pg_current_xact_id()::text::bigint / 1024 % 60), task_type_id, $1,
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
