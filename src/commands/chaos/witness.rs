//! What the tables say of a run, and the tables and triggers that write down what the engine itself forgets.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, Utc};
use model::tasks::{Missed, NewSchedule};
use serde_json::json;
use server::tasks::queue::schedules;
use sqlx::PgPool;
use uuid::Uuid;

use super::ledger::{self, Execution, Ledger};
use super::worker::{Behaviour, MISBEHAVIOURS, Payload};

/// The longest that a task of a dead worker may stay with it after the lease has lapsed, in seconds.
pub const STUCK_SECONDS: f64 = 17.0;
/// The schedule of the run comes this often, in seconds.
pub const SCHEDULED_EVERY: i64 = 5;

/// Effects that must happen exactly once, which workers were declared dead, and claims of what had been held back for two seconds when the
/// claim's statement began; and a schedule.
pub async fn prepare(db: &PgPool) -> Result<()> {
    for statement in [
        // Of a copy: what happened to tasks that came before cannot be judged, and nobody's letters shall be sent by it.
        "truncate tasks, task_history, dead_tasks, task_dependencies, task_relations, task_origins, task_uniques, task_progress, task_stats,
            task_totals, attempt_traces",
        "delete from workers",
        "update task_type_state set running = 0 where running <> 0",
        "update task_schedules set is_paused = true where not is_paused",
        "drop table if exists chaos_effects, chaos_dead, chaos_held_back",
        "create table chaos_effects (task_id uuid not null, worker_id bigint not null)",
        "create table chaos_dead (worker_id bigint primary key, at timestamptz not null)",
        "create table chaos_held_back (task_id uuid not null, at timestamptz not null default clock_timestamp())",
        "create or replace function chaos_note_death() returns trigger language plpgsql as $$
         begin
             if old.lease_until < now() then
                 insert into chaos_dead values (old.id, clock_timestamp()) on conflict do nothing;
             end if;
             return old;
         end $$",
        "create or replace trigger chaos_note_death before delete on workers for each row execute function chaos_note_death()",
        // An open breaker whose probe is due is about to be half-open.
        "create or replace function chaos_note_claim() returns trigger language plpgsql as $$
         begin
             insert into chaos_held_back (task_id)
             select new.id
             from task_types
             join task_type_state as state on state.task_type_id = task_types.id
             where task_types.id = new.task_type_id
               and (paused_at < statement_timestamp() - interval '2 s'
                    or (breaker = 'open' and changed_at < statement_timestamp() - interval '2 s'
                        and (is_manual or probe_at > clock_timestamp())));
             return new;
         end $$",
        "create or replace trigger chaos_note_claim after update on tasks for each row
         when (old.worker_id is null and new.worker_id is not null) execute function chaos_note_claim()",
    ] {
        sqlx::query(statement).execute(db).await?;
    }
    start_schedule(db).await
}

async fn start_schedule(db: &PgPool) -> Result<()> {
    let new = NewSchedule {
        name: "torture".into(),
        task_type: "chaos_scheduled".into(),
        payload: json!(Payload { behaviour: Behaviour::Quick, millis: 1, key: None }),
        priority: None,
        cron: format!("*/{SCHEDULED_EVERY} * * * * *"),
        time_zone: "UTC".into(),
        missed: Missed::All,
        is_paused: false,
    };
    let next_at = server::tasks::schedules::next_after(&new.cron, &new.time_zone, Utc::now()).ok().flatten();
    stop_schedule(db).await?;
    schedules::save(&mut *db.acquire().await?, Uuid::now_v7(), &new, next_at, Uuid::nil())
        .await
        .map_err(server::Error::into_fault)?;
    Ok(())
}

/// Nothing new comes from it after this.
pub async fn stop_schedule(db: &PgPool) -> Result<()> {
    sqlx::query!("delete from task_schedules where name = 'torture'").execute(db).await?;
    Ok(())
}

/// What the tables say.
#[derive(Default)]
pub struct Seen {
    /// Each accepted end: the worker and the epoch that the result came from, where it is a completion, and the worker that held it.
    pub ended: HashMap<Uuid, Vec<End>>,
    pub alive: HashSet<Uuid>,
    /// When workers were declared dead because their lease had lapsed, on the clock of the ledger: from then on their tasks may run a second
    /// time beside them.
    pub dead: HashMap<i64, u64>,
    pub effects: HashMap<Uuid, i64>,
    /// Completed tasks that have an effect in their own transaction.
    pub with_effect: Vec<Uuid>,
    pub stuck: Vec<Uuid>,
    /// Tasks whose attempts or rescues are not those that their errors tell of.
    pub miscounted: Vec<Uuid>,
    pub claimed_while_held_back: Vec<Uuid>,
    /// The times for which the schedule has made tasks, in order.
    pub scheduled: Vec<DateTime<Utc>>,
}

pub struct End {
    /// None for what was cancelled or failed.
    pub completed_by: Option<(i64, i32)>,
    pub held_by: Option<i64>,
    /// On the clock of the ledger.
    pub at: u64,
}

impl Seen {
    /// When an execution ended. One that completed itself in its own transaction may wait for the answer of its commit long after that.
    pub fn end_of(&self, execution: &Execution) -> Option<u64> {
        let by = Some((execution.worker, execution.epoch));
        let completions = self.ended.get(&execution.task).into_iter().flatten().filter(|end| end.completed_by == by);
        completions.map(|end| end.at.max(execution.began)).chain(execution.ended).min()
    }

    /// The ends before the ledger, because what was accepted must be in it; the deaths after it, because an overlap in it must be excused.
    pub async fn read(db: &PgPool, dir: &Path) -> Result<(Self, Ledger)> {
        let mut ended: HashMap<Uuid, Vec<End>> = HashMap::new();
        // The database's `now()` is when the statement begins; reading the history takes long, and a later moment would make every end later.
        let now = ledger::now();
        let history = sqlx::query!(
            r#"
            select id as "id!", (result ->> 'worker')::bigint as worker, (result ->> 'epoch')::int as epoch, worker_id,
                extract(epoch from now() - finished_at)::float8 as "ago!"
            from task_history
            union all
            select id, null, null, worker_id, extract(epoch from now() - finished_at)::float8
            from dead_tasks
            "#
        )
        .fetch_all(db)
        .await?;
        let moment = |now: u64, ago: f64| now.saturating_sub((ago * 1e6) as u64);
        for row in history {
            ended.entry(row.id).or_default().push(End {
                completed_by: row.worker.zip(row.epoch),
                held_by: row.worker_id,
                at: moment(now, row.ago),
            });
        }
        let alive = sqlx::query_scalar!("select id from tasks").fetch_all(db).await?;
        let stuck = sqlx::query_scalar!(
            r#"
            select tasks.id
            from tasks
            join workers on workers.id = worker_id
            where lease_until < now() - make_interval(secs => $1)
            "#,
            STUCK_SECONDS,
        )
        .fetch_all(db)
        .await?;
        let ledger = ledger::read(dir)?;
        // The moment before it is asked: with a later one every death would be later, and nobody's death an excuse on a busy machine.
        let now = ledger::now();
        let ago = "select worker_id, extract(epoch from clock_timestamp() - at)::float8 from chaos_dead";
        let dead: Vec<(i64, f64)> = sqlx::query_as(ago).fetch_all(db).await?;
        let dead = dead.into_iter().map(|(worker, ago)| (worker, moment(now, ago)));
        let effects: Vec<(Uuid, i64)> =
            sqlx::query_as("select task_id, count(*) from chaos_effects group by task_id").fetch_all(db).await?;
        let with_effect = sqlx::query_scalar!(
            "select id from task_history where status = 'completed' and payload ->> 'behaviour' = 'effect'"
        );
        let with_effect = with_effect.fetch_all(db).await?;
        let claimed_while_held_back =
            sqlx::query_scalar("select task_id from chaos_held_back order by at").fetch_all(db).await?;
        let seen = Self {
            ended,
            alive: alive.into_iter().collect(),
            dead: dead.collect(),
            effects: effects.into_iter().collect(),
            with_effect,
            stuck,
            miscounted: miscounted(db).await?,
            claimed_while_held_back,
            scheduled: scheduled(db).await?,
        };
        Ok((seen, ledger))
    }
}

/// An attempt that failed left an error, a worker that died left one of its own. So a completed task had one attempt more than failed, a dead
/// one none more, but for poison: the third death is its end, and nobody else's. Nobody had more attempts than it may.
async fn miscounted(db: &PgPool) -> sqlx::Result<Vec<Uuid>> {
    let miscounted = sqlx::query_scalar!(
        r#"
        with told as (
            select id, status::text as ended_as, attempts, max_attempts, null::int as rescues, coalesce(errors, '[]') as errors from task_history
            union all
            select id, reason::text, attempts, max_attempts, rescues, coalesce(errors, '[]') from dead_tasks
        ), counted as (
            select told.*, (select count(*) from jsonb_array_elements(errors) where value ->> 'error' like 'The worker died %') as deaths
            from told
        )
        select id as "id!"
        from counted
        where attempts > max_attempts
           or (deaths >= 3) <> (ended_as = 'poison')
           or rescues <> deaths
           or (ended_as <> 'cancelled'
               and attempts <> jsonb_array_length(errors) - deaths + case when ended_as in ('completed', 'poison') then 1 else 0 end)
        order by id
        "#
    );
    miscounted.fetch_all(db).await
}

/// How many tasks have ended that harm the worker that runs them, by how.
pub async fn misbehaved(db: &PgPool) -> sqlx::Result<Vec<(String, i64)>> {
    let count = "select behaviour, count(*)
        from (select payload ->> 'behaviour' as behaviour from task_history union all select payload ->> 'behaviour' from dead_tasks) as ended
        where to_jsonb(behaviour) <@ $1
        group by behaviour
        order by behaviour";
    sqlx::query_as(count).bind(json!(MISBEHAVIOURS)).fetch_all(db).await
}

async fn scheduled(db: &PgPool) -> sqlx::Result<Vec<DateTime<Utc>>> {
    let times = sqlx::query_scalar!(
        r#"
        select scheduled_at as "at!"
        from all_tasks
        join task_types on task_types.id = task_type_id
        where name = 'chaos_scheduled'
        order by scheduled_at
        "#
    );
    times.fetch_all(db).await
}
