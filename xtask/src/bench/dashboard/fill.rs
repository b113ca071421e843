//! A queue that has been at work for two weeks: the rows are written beside it, because running a million tasks would take longer.

use anyhow::Result;
use embedded_postgres::Embedded;

use super::Dashboard;

/// Rows of one statement: it has to be done within the patience of [`Embedded::run`].
const AT_ONCE: u64 = 25_000;

/// What is vacuumed and analysed when all is there.
const FILLED: [&str; 8] = [
    "task_history",
    "task_totals",
    "tasks",
    "dead_tasks",
    "attempt_traces",
    "task_stats",
    "queue_samples",
    "webhook_deliveries",
];

/// Tasks that two workers run, half of them each.
const RUNNING: u64 = 100;
/// Those, and the ones that wait for their next attempt.
const UNDER_WAY: u64 = RUNNING + 1000;

/// Types, of which the last one is rare, each with a schedule; days of the history; workers; and what a row's number says of it. The type
/// comes from the remainder of the number by 4 and all else from a quarter of it, so that each type has rows of every sort.
const PREPARE: &str = "
insert into task_types (name, retry_strategy)
select name, '\"none\"' from unnest(array['bench_0', 'bench_1', 'bench_2', 'bench_3', 'bench_rare']) as name;
insert into task_type_state (task_type_id) select id from task_types on conflict do nothing;
insert into task_schedules (id, name, task_type_id, payload, priority, cron, time_zone, missed, next_at, created_by)
select gen_random_uuid(), name, id, '{\"note\": \"again\"}', 1, '7 * * * *', 'UTC', 'once', now() + interval '1 hour',
    (select id from users where username = 'admin')
from task_types where name like 'bench%';
select make_history_of((now() at time zone 'UTC')::date - days) from generate_series(0, 14) as days;
insert into workers (host, pid, version, task_types, concurrency, lease_until, running)
select 'bench', number, '1', array['bench_0', 'bench_1', 'bench_2', 'bench_3', 'bench_rare'], 50, now() + interval '1 day', 50
from generate_series(1, 2) as number;
create function bench_id(at timestamptz, n bigint) returns uuid language sql as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid
$$;
create function bench_type(n bigint) returns integer language sql as $$
    select id from task_types where name = case when n % 1000 = 0 then 'bench_rare' else 'bench_' || n % 4 end
$$;
create function bench_priority(n bigint) returns smallint language sql as $$
    select case when n / 4 % 500 = 0 then 3 when n / 4 % 50 = 0 then 2 when n / 4 % 50 = 1 then 0 else 1 end::smallint
$$;
create function bench_owner(n bigint) returns uuid language sql as $$
    select case when n / 4 % 199 = 2 then (select id from users where username = 'admin')
        when n / 4 % 19 = 3 then (select id from users where username = 'owner') else gen_random_uuid() end
$$;
create function bench_errors(at timestamptz, n bigint) returns jsonb language sql as $$
    select jsonb_build_array(jsonb_build_object('attempt', 1, 'at', at, 'error',
        'Connection to 10.0.0.' || n % 255 || ' was refused (cause ' || chr((65 + n / 4 % 20)::int) || ')'))
$$";

pub fn fill(cluster: &Embedded, options: &Dashboard) -> Result<()> {
    cluster.run(PREPARE)?;
    let parts = [(options.history, HISTORY), (UNDER_WAY, STARTED), (options.ready, READY), (options.dead, DEAD)];
    for (total, rows) in parts {
        let mut from = 0;
        while from < total {
            let to = (from + AT_ONCE).min(total);
            let row = format!("n, {total}::bigint as total, {RUNNING} as running");
            let given = format!("with given as (select {row} from generate_series({from} + 1, {to}) as n)");
            cluster.run(&format!("{given} {rows}"))?;
            from = to;
        }
    }
    cluster.run(CLAIMS)?;
    cluster.run(WEBHOOKS)?;
    for day in 0..7 {
        cluster.run(&format!("with given as (select {day} as day) {FIGURES}"))?;
    }
    for table in FILLED {
        cluster.run(&format!("vacuum analyze {table}"))?;
    }
    Ok(())
}

/// Over two weeks, most of normal priority and completed, with the totals of each day. Of all tasks one in 199 is the administrator's, one in 19
/// the user's.
const HISTORY: &str = "
, kept as (
    insert into task_history (id, task_type_id, priority, status, attempts, max_attempts, payload, result, created_by, created_at, started_at,
        finished_at)
    select bench_id(at, n), bench_type(n), bench_priority(n), case when n / 4 % 100 = 4 then 'cancelled' else 'completed' end::task_status, 1, 3,
        jsonb_build_object('data', array[1, 2, 3, n], 'note', 'note-' || n), jsonb_build_object('sum', n), bench_owner(n), at, at,
        at + interval '1 second'
    from (select n, now() - n * interval '14 days' / total as at from given) as row
    returning status, finished_at
)
insert into task_totals (day, status, spread, total)
select (finished_at at time zone 'UTC')::date, status, 0, count(*) from kept group by 1, 2
on conflict (day, status, spread) do update set total = task_totals.total + excluded.total";

/// Claimed before all that is ready came; those that no worker runs have failed once and wait.
const STARTED: &str = "
insert into tasks (id, task_type_id, priority, run_at, worker_id, lease_epoch, attempts, max_attempts, payload, payload_version, errors, created_by,
    created_at, updated_at, started_at)
select bench_id(at, n), bench_type(n), bench_priority(n), case when n > running then now() + interval '1 hour' end,
    case when n <= running then 1 + n % 2 end, case when n > running then 2 else 1 end, 1, 3, jsonb_build_object('note', 'note-' || n), 1,
    case when n > running then bench_errors(at, n) end, bench_owner(n), at, at, at
from (select n, running, now() - interval '1 hour' + n * interval '1 millisecond' as at from given) as row
order by n";

/// The oldest first, as they stand in the queue.
const READY: &str = "
insert into tasks (id, task_type_id, priority, max_attempts, payload, payload_version, created_by, created_at, updated_at)
select bench_id(at, n), bench_type(n), bench_priority(n), 3, jsonb_build_object('note', 'note-' || n), 1, bench_owner(n), at, at
from (select n, now() - (total - n) * interval '1 millisecond' as at from given) as row
order by n";

/// Twenty causes of each type, and where in the program each of them failed.
const DEAD: &str = "
, died as (
    insert into dead_tasks (id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version, errors,
        created_by, created_at, started_at, finished_at)
    select bench_id(at, n), bench_type(n), bench_priority(n), 'exhausted', 1, 1, 1, 0, jsonb_build_object('note', 'note-' || n), 1,
        bench_errors(at, n), bench_owner(n), at, at, at
    from (select n, now() - n * interval '7 days' / total as at from given) as row
    returning id, attempts, finished_at
)
insert into attempt_traces (task_id, attempt, at, trace)
select id, attempts, finished_at, repeat('in a line of the program; ', 40) from died";

/// How far the workers have claimed, and what they say of their tasks.
const CLAIMS: &str = "
insert into worker_lanes (worker_id, task_type_id, priority, claimed_up_to)
select worker_id, task_type_id, priority, max(seq) from tasks where worker_id is not null group by 1, 2, 3;
insert into task_progress (task_id, percent, message) select id, 50, 'half of it' from tasks where worker_id is not null";

/// Five thousand of them in the last days, each delivered at the twentieth try, whose answers are long.
const WEBHOOKS: &str = "
with given as (select n, now() - n * interval '1 minute' as at from generate_series(1, 5000) as n),
kept as (
    insert into task_history (id, task_type_id, priority, status, attempts, max_attempts, payload, created_by, created_at, started_at, finished_at)
    select bench_id(at, n), (select id from task_types where name = 'webhook'), 1, 'completed', 20, 20,
        jsonb_build_object('url', 'https://example.com/' || n, 'method', 'POST'), bench_owner(n), at, at, at + interval '1 second'
    from given
    returning id, created_at, finished_at
), counted as (
    insert into task_totals (day, status, spread, total)
    select (finished_at at time zone 'UTC')::date, 'completed', 0, count(*) from kept group by 1
    on conflict (day, status, spread) do update set total = task_totals.total + excluded.total
)
insert into webhook_deliveries (id, task_id, attempt, method, url, status, duration_ms, response, at)
select bench_id(created_at, attempt), id, attempt, 'POST', 'https://example.com/', case when attempt < 20 then 503 else 200 end, 12,
    repeat('what it said; ', 300), created_at
from kept cross join generate_series(1, 20) as attempt";

/// As workers leave them: the last hour by worker, the last day by minute, the rest by the quarter of an hour.
const FIGURES: &str = "
, steps as (
    select at, worker
    from given
    cross join generate_series(date_trunc('day', now()) - make_interval(days => day), date_trunc('minute', now()) - make_interval(days => day),
        case when day = 0 then interval '1 minute' else interval '15 minutes' end) as at
    cross join generate_series(0, case when day = 0 then 2 else 0 end) as worker
    where worker = 0 or at > now() - interval '1 hour'
), samples as (
    insert into queue_samples (minute, ready, running, oldest_ready_seconds)
    select date_trunc('minute', now()) - make_interval(days => day, mins => minutes), minutes, 10, minutes
    from given cross join generate_series(0, 1439) as minutes
)
insert into task_stats (minute, task_type_id, worker_id, completed, failed, retried, run_ms, wait_ms, run_histogram)
select at, id, worker, 100, 1, 2, 9000, 900, array[10, 20, 30, 20, 10, 5, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
from steps
cross join task_types
where name like 'bench%'";
