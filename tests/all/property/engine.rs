//! The real queue, told the same as the model. People and the programs around it come in by the services; what a worker does is done
//! step by step with the statements that it uses, so that other workers come in between.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use model::auth::AuthUser;
use model::tasks::{BreakerState, Bulk, BulkAction, NewTask, Priority, RetryStrategy, TaskFilter, TaskStatus};
use model::users::Role;
use serde_json::json;
use server::tasks::bulk::{self, bulk};
use server::tasks::enqueue::enqueue_many_in;
use server::tasks::queue::{self, Claimed, Counted, Lane, Member, Outcome, Purpose, Settlement, Sign, cancel_orphans};
use server::tasks::{self, NewBatch, testing};
use server::{Actor, Error, db};
use uuid::Uuid;

use super::commands::{Command, End, FRAGILE, Key, New, PLAIN, Which};
use super::model::{Answer, Ended, LEASE};
use super::{NAMES, UNIT, units};
use crate::support::TestApp;

/// Days that history and figures are kept.
const HISTORY_DAYS: u32 = 30;
const STATS_DAYS: u32 = 7;

pub struct Engine<'a> {
    app: &'a TestApp,
    actor: Actor,
    /// Numbers of the types, the tasks and the workers, in the order of the model.
    pub types: Vec<i32>,
    tasks: Vec<Uuid>,
    workers: Vec<i64>,
    claims: Vec<Claimed>,
    cursors: HashMap<(usize, i32, i16), i64>,
}

fn outcome(end: End) -> Outcome {
    match end {
        End::Completed => Outcome::Completed(json!({"done": true})),
        End::Cancelled => Outcome::Cancelled,
        End::Dead(reason) => Outcome::Dead { reason, error: "no".into() },
        End::Retry(delay) => Outcome::RetryLater { error: "not yet".into(), delay: units(delay) },
        End::Snooze(delay) => Outcome::Snoozed(units(delay)),
        End::HandBack => Outcome::HandedBack,
    }
}

/// None when it was refused.
fn unless_refused<T>(done: server::Result<T>) -> server::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(Error::Problem(_)) => Ok(None),
        Err(broken) => Err(broken),
    }
}

fn administrator() -> Actor {
    let (username, email) = ("Grace".into(), "grace@example.com".into());
    Actor::of(AuthUser { id: Uuid::nil(), username, email, role: Role::Admin, impersonated_by: None })
}

impl<'a> Engine<'a> {
    /// On an empty queue.
    pub async fn new(app: &'a TestApp) -> Self {
        sqlx::raw_sql(include_str!("empty.sql")).execute(&app.app.db).await.expect("the queue is emptied");
        let mut types = Vec::new();
        for name in NAMES {
            let id = sqlx::query_scalar("select id from task_types where name = $1").bind(name);
            types.push(id.fetch_one(&app.app.db).await.expect("the type is registered"));
        }
        let (tasks, workers, claims, cursors) = Default::default();
        Self { app, actor: administrator(), types, tasks, workers, claims, cursors }
    }

    pub async fn apply(&mut self, command: &Command) -> server::Result<Answer> {
        let (app, db) = (&self.app.app, &self.app.app.db);
        Ok(match command {
            Command::Enqueue(new, key) => {
                let queued = tasks::enqueue(app, None, new_task(new, *key)).await?;
                if queued.is_new { self.queued([queued.id]) } else { Answer::Existing(self.task(queued.id)) }
            }
            Command::Batch { tasks, is_chain, callback } => {
                let (tasks, callback) = (tasks.iter().map(plain).collect(), callback.as_ref().map(plain));
                let mut tx = db::begin(db).await?;
                let batch = NewBatch { tasks, is_chain: *is_chain, callback };
                let queued = enqueue_many_in(app, &mut tx, None, batch).await?;
                tx.commit().await?;
                self.queued(queued.ids.into_iter().chain(queued.callback_id))
            }
            Command::Join => {
                let member = Member { host: "here".into(), task_types: vec![], concurrency: 1 };
                self.workers.push(queue::join(db, &member, units(LEASE)).await?);
                Answer::Nothing
            }
            Command::Claim { worker, limit, quota, turned, after_cursor } => {
                let lanes = self.lanes(*worker, *quota, *turned, *after_cursor);
                let limit = i64::try_from(*limit).expect("a small number");
                let claimed = queue::claim(db, self.workers[*worker], &lanes, limit, Purpose::Places).await?;
                self.claimed(*worker, claimed)
            }
            Command::ClaimCounted { worker, kind, limit } => {
                let (task_type_id, quota) = (self.types[*kind], i32::try_from(*limit).expect("a small number"));
                let lanes = [3, 2, 1, 0].map(|priority| Lane { task_type_id, priority, after_seq: 0, quota });
                let claimed = queue::claim_governed(db, self.workers[*worker], &lanes, quota).await?.claimed;
                self.claimed(*worker, claimed)
            }
            other => match self.apply_by_worker(other).await? {
                Some(answer) => answer,
                None => self.apply_by_people(other).await?,
            },
        })
    }

    /// What else workers do, for themselves and for all.
    async fn apply_by_worker(&self, command: &Command) -> server::Result<Option<Answer>> {
        let (app, db) = (&self.app.app, &self.app.app.db);
        Ok(Some(match command {
            Command::Renew { worker } => {
                let mut conn = db.acquire().await?;
                Answer::Yes(queue::renew(&mut conn, self.workers[*worker], units(LEASE), Sign::default()).await?)
            }
            Command::Leave { worker } => self.ended(queue::leave(db, self.workers[*worker]).await?),
            Command::Settle { by, ended, .. } => self.settle(by.expect("a worker settles"), ended).await?,
            Command::Work => {
                let ran = testing::run_one(app).await?;
                Answer::Ran(ran.map(|ran| (self.task(ran.id), ran.status, ran.dead_reason)))
            }
            Command::Strays { worker, held } => {
                let held = self.claims[*held].id;
                self.ended(queue::strays(db, self.workers[*worker], &[held]).await?)
            }
            Command::Rescue => {
                let rescued = queue::rescue(db).await?;
                let mut dead: Vec<_> = rescued.workers.iter().map(|id| self.worker(*id)).collect();
                dead.sort_unstable();
                Answer::Rescued(dead, self.told(rescued.tasks))
            }
            Command::CancelOrphans => {
                let mut tx = db::begin_short(db).await?;
                let orphans = cancel_orphans(&mut tx).await?;
                tx.commit().await?;
                self.ended(orphans)
            }
            Command::Count { ok, failed, is_late } => {
                let task_type_id = self.types[FRAGILE];
                let probing =
                    "select times_opened from task_type_state where task_type_id = $1 and breaker = 'half_open'";
                let probing = sqlx::query_scalar(probing).bind(task_type_id).fetch_optional(db).await?;
                let probe = probing.filter(|_| !is_late);
                let counted = Counted { task_type_id, probe, ok: *ok, failed: *failed };
                Answer::Yes(queue::count_for_breaker(db, counted).await?)
            }
            Command::Promote => Answer::Count(usize::try_from(queue::promote(db).await?).expect("not so many")),
            Command::Prune => {
                queue::prune_history(db, HISTORY_DAYS).await?;
                queue::prune_figures(db, STATS_DAYS).await?;
                queue::purge_uniques(db).await?;
                Answer::Nothing
            }
            Command::Recount => {
                queue::recount(db).await?;
                Answer::Nothing
            }
            _ => return Ok(None),
        }))
    }

    async fn apply_by_people(&self, command: &Command) -> server::Result<Answer> {
        let (app, actor) = (&self.app.app, &self.actor);
        Ok(match command {
            Command::Cancel { task, .. } => {
                Answer::Stands(unless_refused(tasks::cancel(app, actor, self.tasks[*task]).await)?)
            }
            Command::Delete { task, .. } => {
                Answer::Yes(unless_refused(tasks::delete(app, actor, self.tasks[*task]).await)?.is_some())
            }
            Command::Replay { task } => {
                Answer::Yes(unless_refused(tasks::retry(app, actor, self.tasks[*task], None).await)?.is_some())
            }
            Command::CancelAll(which) => self.bulk(BulkAction::Cancel, which).await?,
            Command::ReplayAll(which) => self.bulk(BulkAction::Retry, which).await?,
            Command::RunNow { task } => {
                Answer::Yes(unless_refused(tasks::run_now(app, actor, self.tasks[*task]).await)?.is_some())
            }
            Command::RunAllNow(which) => self.bulk(BulkAction::RunNow, which).await?,
            Command::Pause { kind } => {
                server::tasks::operate::pause(app, actor, NAMES[*kind], "it must wait").await?;
                Answer::Yes(true)
            }
            Command::Resume { kind } => {
                server::tasks::operate::resume(app, actor, NAMES[*kind]).await?;
                Answer::Yes(true)
            }
            Command::Force { is_open } => {
                let state = is_open.map(|is_open| if is_open { BreakerState::Open } else { BreakerState::Closed });
                server::tasks::operate::set_breaker(app, actor, NAMES[FRAGILE], state).await?;
                Answer::Yes(true)
            }
            Command::PassTime { units: time } => {
                testing::pass_time(app, units(*time)).await?;
                Answer::Nothing
            }
            other => unreachable!("{other:?} is for workers"),
        })
    }

    async fn bulk(&self, action: BulkAction, which: &Which) -> server::Result<Answer> {
        let filter = TaskFilter {
            task_type: which.kind.map(|kind| NAMES[kind].to_owned()),
            priority: which.priority.map(|priority| Priority::ALL[priority]),
            status: which.status,
            ..TaskFilter::default()
        };
        let asked =
            bulk(&self.app.app, &self.actor, Bulk { action, filter: filter.clone(), dry_run: true, after: None })
                .await?;
        let foretold = asked.tasks.expect("they are counted");
        // As the task of such an action does it, in one batch: the model knows no task of that kind.
        let mut tx = db::begin_choosing(&self.app.app.db).await?;
        let filter = TaskFilter { status: action.only().or(filter.status), ..filter };
        let narrow = bulk::narrow(&mut tx, None, action, &filter).await?.expect("there is such a type");
        let now = queue::now(&mut *tx).await?;
        let chosen = queue::choose(&mut tx, &narrow, now, None, i64::MAX).await?;
        let done = bulk::act(&mut tx, &self.actor, action, narrow.status, &chosen).await?.done;
        tx.commit().await?;
        let [foretold, done] = [foretold, done].map(|count| usize::try_from(count).expect("not so many"));
        Ok(Answer::Counts(foretold, done))
    }

    fn queued(&mut self, ids: impl IntoIterator<Item = Uuid>) -> Answer {
        let before = self.tasks.len();
        self.tasks.extend(ids);
        Answer::New((before..self.tasks.len()).collect())
    }

    fn lanes(&self, worker: usize, quota: usize, turned: bool, after_cursor: bool) -> Vec<Lane> {
        let mut kinds = PLAIN;
        if turned {
            kinds.reverse();
        }
        let mut lanes = Vec::new();
        for priority in [3, 2, 1, 0] {
            for task_type_id in kinds.map(|kind| self.types[kind]) {
                let cursor = self.cursors.get(&(worker, task_type_id, priority)).copied().unwrap_or(0);
                let after_seq = if after_cursor { cursor } else { 0 };
                let quota = i32::try_from(quota).expect("a small number");
                lanes.push(Lane { task_type_id, priority, after_seq, quota });
            }
        }
        lanes
    }

    fn claimed(&mut self, worker: usize, claimed: Vec<Claimed>) -> Answer {
        for one in &claimed {
            let cursor = self.cursors.entry((worker, one.task_type_id, one.priority)).or_default();
            *cursor = (*cursor).max(one.seq);
        }
        let answer = claimed.iter().map(|one| (self.task(one.id), one.attempt, one.lease_epoch)).collect();
        self.claims.extend(claimed);
        Answer::Claimed(answer)
    }

    async fn settle(&self, by: usize, ended: &[(usize, End)]) -> server::Result<Answer> {
        let settlement = |(claim, end): &(usize, End)| Settlement {
            claimed: self.claims[*claim].clone().into(),
            outcome: outcome(*end),
            ran: Duration::from_millis(7),
            trace: None,
        };
        let batch: Vec<_> = ended.iter().map(settlement).collect();
        let db = &self.app.app.db;
        let mut told = queue::settle(&mut *db.acquire().await?, self.workers[by], &batch).await?;
        // As the worker does it after a batch in which something was cancelled.
        if told.iter().any(|one| one.status == TaskStatus::Cancelled) {
            let mut tx = db::begin_short(db).await?;
            told.extend(cancel_orphans(&mut tx).await?);
            tx.commit().await?;
        }
        Ok(self.ended(told))
    }

    fn ended(&self, ended: Vec<queue::Ended>) -> Answer {
        Answer::Ended(self.told(ended))
    }

    fn told(&self, ended: Vec<queue::Ended>) -> Ended {
        let mut told: Vec<_> = ended.iter().map(|one| (self.task(one.id), one.status, one.is_ready)).collect();
        told.sort_by_key(|(id, _, _)| *id);
        told
    }

    pub fn task(&self, id: Uuid) -> usize {
        self.tasks.iter().position(|one| *one == id).expect("a task of this test")
    }

    pub fn worker(&self, id: i64) -> usize {
        self.workers.iter().position(|one| *one == id).expect("a worker of this test")
    }

    pub fn kind(&self, id: i32) -> usize {
        self.types.iter().position(|one| *one == id).expect("a type of this test")
    }

    /// Everything that can be seen, as one document.
    pub async fn look(&self) -> sqlx::Result<super::view::Rows> {
        let rows: sqlx::types::Json<_> = sqlx::query_scalar(include_str!("look.sql"))
            .bind(&self.types)
            .bind(UNIT.as_secs_f64())
            .fetch_one(&self.app.app.db)
            .await?;
        Ok(rows.0)
    }

    /// The total of each status, as the overview shows it.
    pub async fn stats(&self) -> server::Result<BTreeMap<&'static str, i64>> {
        let stats = queue::stats(&self.app.app.db, None).await?;
        Ok([
            ("total", stats.total),
            ("pending", stats.pending),
            ("running", stats.running),
            ("retrying", stats.retrying),
            ("completed", stats.completed),
            ("failed", stats.failed),
            ("cancelled", stats.cancelled),
        ]
        .into())
    }
}

/// As it is queued when it has no key.
fn plain(new: &New) -> NewTask {
    new_task(new, None)
}

fn new_task(new: &New, key: Option<Key>) -> NewTask {
    let delay = TimeDelta::from_std(units(new.delay)).expect("not so long");
    NewTask {
        task_type: NAMES[new.kind].into(),
        payload: json!({"does": new.does}),
        priority: Some(Priority::ALL[new.priority]),
        scheduled_at: (new.delay > 0).then(|| Utc::now() + delay),
        retry_strategy: Some(RetryStrategy::Fixed { interval: UNIT.as_secs_f64(), max_attempts: new.max_attempts }),
        unique_key: key.map(|(key, _)| key.to_string()),
        unique_for_seconds: key
            .and_then(|(_, period)| period)
            .map(|period| u32::try_from(units(period).as_secs()).expect("not so long")),
        ..NewTask::default()
    }
}
