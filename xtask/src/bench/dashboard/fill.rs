//! A queue that has been at work for two weeks: the rows are written beside it, because running a million tasks would take longer.

use anyhow::Result;
use embedded_postgres::Embedded;

use super::Dashboard;

/// Rows of one statement: it has to be done within the patience of [`Embedded::run`].
const AT_ONCE: u64 = 50_000;

/// Types, of which the last one is rare; days of the history; and ids with the time of the row in them.
const PREPARE: &str = "
insert into task_types (name, retry_strategy)
select name, '\"none\"' from unnest(array['bench_0', 'bench_1', 'bench_2', 'bench_3', 'bench_rare']) as name;
insert into task_type_state (task_type_id) select id from task_types on conflict do nothing;
select make_history_of((now() at time zone 'UTC')::date - days) from generate_series(0, 14) as days;
create function bench_id(at timestamptz, n bigint) returns uuid language sql as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid
$$;
create function bench_type(n bigint) returns integer language sql as $$
    select id from task_types where name = case when n % 1000 = 0 then 'bench_rare' else 'bench_' || n % 4 end
$$";

pub fn fill(cluster: &Embedded, options: &Dashboard) -> Result<()> {
    cluster.run(PREPARE)?;
    for (total, rows) in [(options.history, HISTORY), (options.ready, READY), (options.dead, DEAD)] {
        let mut from = 0;
        while from < total {
            let to = (from + AT_ONCE).min(total);
            let values = format!(
                "with given as (select n, {total}::bigint as total from generate_series({from} + 1, {to}) as n)"
            );
            cluster.run(&format!("{values} {rows}"))?;
            from = to;
        }
    }
    for day in 0..7 {
        cluster.run(&format!("with given as (select {day} as day) {FIGURES}"))?;
    }
    for table in ["task_history", "tasks", "dead_tasks", "task_stats", "queue_samples"] {
        cluster.run(&format!("vacuum analyze {table}"))?;
    }
    Ok(())
}

/// Over two weeks, most of normal priority and completed; each two hundredth is the administrator's.
const HISTORY: &str = "
insert into task_history (id, task_type_id, priority, status, attempts, max_attempts, payload, result, created_by, created_at, started_at,
    finished_at)
select bench_id(at, n), bench_type(n), case when n % 500 = 0 then 3 when n % 50 = 0 then 2 else 1 end,
    case when n % 100 = 0 then 'cancelled' else 'completed' end::task_status, 1, 3,
    jsonb_build_object('data', array[1, 2, 3, n], 'note', 'note-' || n), jsonb_build_object('sum', n),
    case when n % 200 = 0 then (select id from users where username = 'admin') else gen_random_uuid() end, at, at, at + interval '1 second'
from (select n, now() - n * interval '14 days' / total as at from given) as row";

const READY: &str = "
insert into tasks (id, task_type_id, priority, max_attempts, payload, payload_version, created_by, created_at, updated_at)
select bench_id(at, n), bench_type(n), case when n % 50 = 0 then 2 else 1 end, 3, jsonb_build_object('note', 'note-' || n), 1,
    gen_random_uuid(), at, at
from (select n, now() - n * interval '1 millisecond' as at from given) as row";

/// Twenty causes.
const DEAD: &str = "
insert into dead_tasks (id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version, errors,
    created_by, created_at, started_at, finished_at)
select bench_id(at, n), bench_type(n), 1, 'exhausted', 1, 3, 3, 0, jsonb_build_object('note', 'note-' || n), 1,
    jsonb_build_array(jsonb_build_object('attempt', 3, 'at', at, 'error',
        'Connection to 10.0.0.' || n % 255 || ' was refused (cause ' || chr((65 + n % 20)::int) || ')')),
    gen_random_uuid(), at, at, at
from (select n, now() - n * interval '7 days' / total as at from given) as row";

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
