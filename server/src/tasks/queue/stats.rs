//! Figures for operators: how deep the lanes are, who works, and how the last minutes went. None of it counts the history.

use chrono::{DateTime, Utc};
use model::page::COUNTED_AT_MOST;
use model::tasks::{
    BreakerState, DeadOfType, Figure, LaneDepth, Minute, Period, Priority, QueueHealth, RunningTask, TypeSeen,
    WorkerSeen, percentile,
};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::Result;

/// Running tasks of a worker that are shown.
const RUNNING_AT_MOST: usize = 50;

/// The database's time, which is the one that rows are compared with.
pub async fn now(db: impl PgExecutor<'_>) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(db).await?)
}

/// Depths of all lanes that are not empty, each counted up to `at_most`.
pub async fn depths(db: &PgPool, at_most: i64) -> sqlx::Result<Vec<LaneDepth>> {
    sqlx::query_as!(
        LaneDepth,
        r#"
        select name as task_type, lane.priority as "priority!: Priority", counted.ready as "ready!", counted.oldest as oldest_ready_seconds
        from task_types
        cross join generate_series(3, 0, -1) with ordinality as lane (priority, place)
        cross join lateral (
            select count(*) as ready, extract(epoch from now() - min(updated_at))::float8 as oldest
            from (
                select updated_at
                from tasks
                where task_type_id = task_types.id and tasks.priority = lane.priority and run_at is null and worker_id is null
                order by seq
                limit $1
            ) as ready
        ) as counted
        where counted.ready > 0
        order by lane.place, name
        "#,
        at_most,
    )
    .fetch_all(db)
    .await
}

/// The workers, the oldest first.
pub async fn workers(db: &PgPool) -> Result<Vec<WorkerSeen>> {
    let workers = sqlx::query_as!(
        WorkerSeen,
        r#"
        select id, host, pid, version, task_types, concurrency, started_at,
            extract(epoch from now() - renewed_at)::float8 as "renewed_seconds!",
            extract(epoch from lease_until - now())::float8 as "lease_seconds!", is_draining, running, done, fenced_out
        from workers
        order by id
        limit 1000
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(workers)
}

/// The last so many minutes, the oldest first; also by worker where that is asked for.
pub async fn minutes(db: &PgPool, count: i32, by_worker: bool) -> Result<Vec<Minute>> {
    let minutes = sqlx::query_as!(
        Minute,
        r#"
        select date_trunc('minute', minute) as "minute!", name as task_type, case when $2 then nullif(worker_id, 0) end as worker_id, sum(completed)::bigint as "completed!", sum(failed)::bigint as "failed!",
            sum(retried)::bigint as "retried!", sum(cancelled)::bigint as "cancelled!", sum(run_ms)::bigint as "run_ms!",
            sum(wait_ms)::bigint as "wait_ms!",
            array[sum(run_histogram[1]), sum(run_histogram[2]), sum(run_histogram[3]), sum(run_histogram[4]), sum(run_histogram[5]),
                  sum(run_histogram[6]), sum(run_histogram[7]), sum(run_histogram[8]), sum(run_histogram[9]), sum(run_histogram[10]),
                  sum(run_histogram[11]), sum(run_histogram[12]), sum(run_histogram[13]), sum(run_histogram[14]), sum(run_histogram[15]),
                  sum(run_histogram[16]), sum(run_histogram[17])]::bigint[] as "run_histogram!"
        from task_stats
        join task_types on task_types.id = task_type_id
        where minute > now() - make_interval(mins => $1)
        group by 1, 2, 3
        order by 1, 2, 3
        "#,
        count,
        by_worker,
    )
    .fetch_all(db)
    .await?;
    Ok(minutes)
}

/// All types, by name.
pub async fn types_seen(db: &PgPool) -> Result<Vec<TypeSeen>> {
    let types = sqlx::query_as!(
        TypeSeen,
        r#"
        select name as task_type, paused_at, paused_reason, breaker as "breaker: BreakerState", is_manual as is_breaker_manual,
            window_failed as breaker_failures, probe_at, max_running, rate_per_second
        from task_types
        join task_type_state on task_type_id = task_types.id
        order by name
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(types)
}

/// What the workers run: below their marks, as a rescue finds it, so that the backlog is not read.
pub async fn running(db: &PgPool) -> Result<Vec<RunningTask>> {
    let running = sqlx::query_as!(
        RunningTask,
        r#"
        select worker_id as "worker_id!", held.id, name as task_type, started_at
        from (
            select tasks.worker_id, tasks.id, tasks.task_type_id, tasks.started_at,
                row_number() over (partition by tasks.worker_id order by tasks.started_at, tasks.id) as place
            from worker_lanes
            join tasks on tasks.task_type_id = worker_lanes.task_type_id and tasks.priority = worker_lanes.priority
                and tasks.run_at is null and tasks.seq <= worker_lanes.claimed_up_to and tasks.worker_id = worker_lanes.worker_id
        ) as held
        join task_types on task_types.id = task_type_id
        where place <= $1
        order by worker_id, started_at, held.id
        limit 1000
        "#,
        RUNNING_AT_MOST as i64,
    )
    .fetch_all(db)
    .await?;
    Ok(running)
}

/// Lets workers say how many tasks they run by what is seen of them now: what they say themselves is as old as their lease. What a worker has claimed
/// ahead is not more than it runs at once, and of very many tasks not all are seen.
pub fn count_running(workers: &mut [WorkerSeen], running: &[RunningTask]) {
    for worker in workers {
        let seen = running.iter().filter(|task| task.worker_id == worker.id).count();
        if seen < RUNNING_AT_MOST {
            worker.running = worker.concurrency.min(seen as i32);
        }
    }
}

/// The dead letter by type, each counted up to `at_most`; types of which nothing is there are left out.
pub async fn dead(db: &PgPool, at_most: i64) -> Result<Vec<DeadOfType>> {
    let dead = sqlx::query_as!(
        DeadOfType,
        r#"
        select name as task_type, counted.tasks as "tasks!", lately.tasks as "of_a_day!"
        from task_types
        cross join lateral (
            select count(*) as tasks from (select from dead_tasks where task_type_id = task_types.id limit $1) as seen
        ) as counted
        cross join lateral (
            select count(*) as tasks
            from (
                select from dead_tasks where task_type_id = task_types.id and finished_at > now() - interval '1 day' limit $1
            ) as seen
        ) as lately
        where counted.tasks > 0
        order by name
        "#,
        at_most,
    )
    .fetch_all(db)
    .await?;
    Ok(dead)
}

/// How PostgreSQL bears the queue, with what the caller knows of the bell, in seconds.
pub async fn health(db: &PgPool, bell: Option<f64>) -> Result<QueueHealth> {
    let health = sqlx::query_as!(
        QueueHealth,
        r#"
        select held.age as oldest_xmin_age, held.seconds as oldest_transaction_seconds, n_dead_tup as "dead_rows!", n_live_tup as "live_rows!",
            extract(epoch from now() - greatest(last_autovacuum, last_vacuum))::float8 as vacuumed_seconds,
            $1::float8 as bell_seconds
        from pg_stat_user_tables
        cross join (
            select max(age)::bigint as age, max(seconds)::float8 as seconds
            from (
                select age(backend_xmin) as age, extract(epoch from now() - xact_start) as seconds
                from pg_stat_activity
                where backend_xmin is not null and pid <> pg_backend_pid() and datname = current_database()
                union all
                select age(transaction), extract(epoch from now() - prepared) from pg_prepared_xacts
                union all
                select age(coalesce(catalog_xmin, xmin)), null from pg_replication_slots
            ) as each
        ) as held
        where relid = 'tasks'::regclass
        "#,
        bell,
    )
    .fetch_one(db)
    .await?;
    Ok(health)
}

/// Notes how the queue stands, once a minute over all workers: whoever comes second finds the row and counts nothing.
pub async fn sample(db: &PgPool) -> sqlx::Result<()> {
    let is_noted = sqlx::query_scalar!(
        r#"select exists (select from queue_samples where minute = date_trunc('minute', now())) as "is_noted!""#
    )
    .fetch_one(db)
    .await?;
    if is_noted {
        return Ok(());
    }
    let depths = depths(db, COUNTED_AT_MOST).await?;
    let ready: i64 = depths.iter().map(|lane| lane.ready).sum();
    let oldest = depths.iter().filter_map(|lane| lane.oldest_ready_seconds).reduce(f64::max);
    sqlx::query!(
        r#"
        insert into queue_samples (minute, ready, running, oldest_ready_seconds)
        select date_trunc('minute', now()), $1, (select coalesce(sum(running), 0) from workers), $2
        on conflict (minute) do nothing
        "#,
        ready,
        oldest,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The steps of a period up to now, the oldest first; those in which nothing was noted are empty.
pub async fn figures(conn: &mut PgConnection, period: Period) -> Result<Vec<Figure>> {
    let (minutes, count) = period.steps();
    let until = sqlx::query_scalar!(
        r#"select date_bin(make_interval(mins => $1), now(), '2000-01-01Z'::timestamptz) as "until!""#,
        minutes
    )
    .fetch_one(&mut *conn)
    .await?;
    let mut figures = Figure::steps(until, period);
    let from = figures.first().map_or(until, |first| first.at);
    let place = |at: DateTime<Utc>| usize::try_from((at - from).num_minutes() / i64::from(minutes)).unwrap_or(count);
    let ended = sqlx::query!(
        r#"
        select date_bin(make_interval(mins => $1), minute, '2000-01-01Z'::timestamptz) as "at!", sum(completed)::bigint as "completed!",
            sum(failed)::bigint as "failed!", sum(retried)::bigint as "retried!", sum(cancelled)::bigint as "cancelled!",
            sum(wait_ms)::bigint as "wait_ms!",
            array[sum(run_histogram[1]), sum(run_histogram[2]), sum(run_histogram[3]), sum(run_histogram[4]), sum(run_histogram[5]),
                  sum(run_histogram[6]), sum(run_histogram[7]), sum(run_histogram[8]), sum(run_histogram[9]), sum(run_histogram[10]),
                  sum(run_histogram[11]), sum(run_histogram[12]), sum(run_histogram[13]), sum(run_histogram[14]), sum(run_histogram[15]),
                  sum(run_histogram[16]), sum(run_histogram[17])]::bigint[] as "histogram!"
        from task_stats
        where minute >= $2
        group by 1
        "#,
        minutes,
        from,
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in ended {
        let Some(figure) = figures.get_mut(place(row.at)) else { continue };
        let attempts: i64 = row.histogram.iter().sum();
        (figure.completed, figure.failed) = (row.completed, row.failed);
        (figure.retried, figure.cancelled) = (row.retried, row.cancelled);
        figure.wait_ms = (attempts > 0).then(|| row.wait_ms / attempts);
        let [half, most, nearly_all] = [0.5, 0.95, 0.99].map(|share| percentile(&row.histogram, share));
        figure.run_ms = half.zip(most).zip(nearly_all).map(|((half, most), nearly_all)| [half, most, nearly_all]);
    }
    let samples = sqlx::query!(
        r#"
        select date_bin(make_interval(mins => $1), minute, '2000-01-01Z'::timestamptz) as "at!", max(ready) as "ready!",
            max(oldest_ready_seconds) as oldest
        from queue_samples
        where minute >= $2
        group by 1
        "#,
        minutes,
        from,
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in samples {
        let Some(figure) = figures.get_mut(place(row.at)) else { continue };
        (figure.ready, figure.oldest_ready_seconds) = (Some(row.ready), row.oldest);
    }
    Ok(figures)
}

/// Adds up figures that are older than an hour over all workers, and those that are older than a day by the quarter of an hour as well: no
/// graph shows them finer, and all of them would be read for each look. Two workers at once take other rows, and add to the same.
pub async fn compact(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        with taken as (
            delete from task_stats
            where minute < now() - interval '1 hour'
              and (worker_id <> 0
                or (minute < now() - interval '25 hours' and minute <> date_bin('15 minutes', minute, '2000-01-01Z'::timestamptz)))
            returning *, case when minute < now() - interval '25 hours' then date_bin('15 minutes', minute, '2000-01-01Z'::timestamptz)
                else date_trunc('minute', minute) end as step
        )
        insert into task_stats (minute, task_type_id, worker_id, completed, failed, retried, cancelled, run_ms, wait_ms, run_histogram)
        select step, task_type_id, 0, sum(completed), sum(failed), sum(retried),
            sum(cancelled), sum(run_ms), sum(wait_ms),
            array[sum(run_histogram[1]), sum(run_histogram[2]), sum(run_histogram[3]), sum(run_histogram[4]), sum(run_histogram[5]),
                  sum(run_histogram[6]), sum(run_histogram[7]), sum(run_histogram[8]), sum(run_histogram[9]), sum(run_histogram[10]),
                  sum(run_histogram[11]), sum(run_histogram[12]), sum(run_histogram[13]), sum(run_histogram[14]), sum(run_histogram[15]),
                  sum(run_histogram[16]), sum(run_histogram[17])]::bigint[]
        from taken
        group by 1, 2
        order by 1, 2
        on conflict (minute, task_type_id, worker_id) do update
        set completed = task_stats.completed + excluded.completed, failed = task_stats.failed + excluded.failed,
            retried = task_stats.retried + excluded.retried, cancelled = task_stats.cancelled + excluded.cancelled,
            run_ms = task_stats.run_ms + excluded.run_ms, wait_ms = task_stats.wait_ms + excluded.wait_ms,
            run_histogram = add_buckets(task_stats.run_histogram, excluded.run_histogram)
        "#
    )
    .execute(db)
    .await?;
    add_up_totals(db).await?;
    Ok(done.rows_affected())
}

/// Totals of days that get no more are one row a day and status.
async fn add_up_totals(db: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with taken as (
            delete from task_totals
            where day < (now() at time zone 'UTC')::date - 1 and spread <> 0
            returning day, status, total
        )
        insert into task_totals (day, status, spread, total)
        select day, status, 0, sum(total) from taken group by 1, 2 order by 1, 2
        on conflict (day, status, spread) do update set total = task_totals.total + excluded.total
        "#
    )
    .execute(db)
    .await?;
    Ok(())
}
