//! What moderators and administrators do with the queue as a whole: watch it, hold types back, act on many tasks at once. Every change is
//! in the audit log.

use chrono::{DateTime, Utc};
use model::Problem;
use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::tasks::{TaskFilter, TaskStatus, TaskType};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::queue::{self, BreakerState, LaneDepth, Minute, TypeSeen, WorkerSeen};
use crate::audit::{self, Subject};
use crate::{Actor, App, Result, db};

/// Minutes of figures that can be asked for: a day.
const MINUTES_AT_MOST: i32 = 24 * 60;
/// Characters of a reason.
const REASON_AT_MOST: usize = 500;

/// The queue at this moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QueueSeen {
    pub seen_at: DateTime<Utc>,
    /// Lanes with ready tasks.
    pub lanes: Vec<LaneDepth>,
    pub types: Vec<TypeSeen>,
    pub workers: Vec<WorkerSeen>,
}

/// Depths, types with pause and breaker, and workers.
pub async fn look(app: &App, actor: &Actor) -> Result<QueueSeen> {
    actor.require(Action::OperateQueue, Relation::Other)?;
    let (lanes, types, workers) =
        tokio::try_join!(queue::depths(&app.db), queue::types_seen(&app.db), queue::workers(&app.db))?;
    Ok(QueueSeen { seen_at: Utc::now(), lanes, types, workers })
}

/// How the attempts of the last minutes ended, by minute and type.
pub async fn minutes(app: &App, actor: &Actor, count: Option<i32>) -> Result<Vec<Minute>> {
    actor.require(Action::OperateQueue, Relation::Other)?;
    let count = count.unwrap_or(60);
    if !(1..=MINUTES_AT_MOST).contains(&count) {
        return Err(Problem::field("minutes", format!("must be 1 to {MINUTES_AT_MOST}")).into());
    }
    queue::minutes(&app.db, count).await
}

/// A type entered by hand.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewTaskType {
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,100}$")]
    pub task_type: String,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
}

/// Enters a type, or changes its description and activates it. Its tasks wait until a worker knows the kind.
pub async fn define_type(app: &App, actor: &Actor, new: NewTaskType) -> Result<TaskType> {
    let permit = actor.require(Action::DefineTaskType, Relation::Other)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let mut fields = Vec::new();
    if !(1..=100).contains(&new.task_type.len()) || !new.task_type.chars().all(is_name) {
        fields.push(model::FieldProblem::new("task_type", "has 1 to 100 letters, digits, _ . or -"));
    }
    if new.description.as_ref().is_some_and(|text| text.chars().count() > 1000) {
        fields.push(model::FieldProblem::new("description", "has at most 1000 characters"));
    }
    if !fields.is_empty() {
        return Err(Problem::Invalid { fields }.into());
    }
    let mut tx = db::begin(&app.db).await?;
    let defined = queue::define(&mut tx, &new.task_type, new.description.as_deref()).await?;
    audit::record(&mut tx, actor, permit, "task_type.define", Subject::TaskType(&new.task_type), json!({})).await?;
    tx.commit().await?;
    Ok(defined)
}

/// Holds the tasks of a type back. They are still taken, and wait; what runs goes on.
pub async fn pause(app: &App, actor: &Actor, task_type: &str, reason: &str) -> Result<()> {
    let permit = actor.require(Action::OperateQueue, Relation::Other)?;
    let reason = reason.trim();
    if !(1..=REASON_AT_MOST).contains(&reason.chars().count()) {
        return Err(Problem::field("reason", format!("has 1 to {REASON_AT_MOST} characters")).into());
    }
    let mut tx = db::begin(&app.db).await?;
    found(queue::pause(&mut tx, task_type, reason, actor.id()).await?)?;
    audit::record(&mut tx, actor, permit, "task_type.pause", Subject::TaskType(task_type), json!({"reason": reason}))
        .await?;
    tx.commit().await?;
    app.bell.later();
    Ok(())
}

/// Lets the tasks of a type go on.
pub async fn resume(app: &App, actor: &Actor, task_type: &str) -> Result<()> {
    let permit = actor.require(Action::OperateQueue, Relation::Other)?;
    let mut tx = db::begin(&app.db).await?;
    found(queue::resume(&mut tx, task_type).await?)?;
    audit::record(&mut tx, actor, permit, "task_type.resume", Subject::TaskType(task_type), json!({})).await?;
    tx.commit().await?;
    app.bell.ready();
    Ok(())
}

/// Opens or closes a breaker by hand; with none it counts by itself again.
pub async fn set_breaker(app: &App, actor: &Actor, task_type: &str, state: Option<BreakerState>) -> Result<()> {
    let permit = actor.require(Action::OperateQueue, Relation::Other)?;
    if state == Some(BreakerState::HalfOpen) {
        return Err(Problem::field("state", "is open, closed or automatic").into());
    }
    let mut tx = db::begin(&app.db).await?;
    found(queue::force_breaker(&mut tx, task_type, state).await?)?;
    audit::record(&mut tx, actor, permit, "task_type.breaker", Subject::TaskType(task_type), json!({"state": state}))
        .await?;
    tx.commit().await?;
    app.bell.later();
    app.bell.ready();
    Ok(())
}

fn found(is_there: bool) -> Result<(), Problem> {
    if is_there { Ok(()) } else { Err(Problem::NotFound { what: Thing::TaskType }) }
}

/// What is done to many tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BulkAction {
    /// Cancel what is alive.
    Cancel,
    /// Replay the dead letter.
    Retry,
}

/// An action on every task that matches.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Bulk {
    pub action: BulkAction,
    #[serde(default)]
    pub task_type: Option<String>,
    #[serde(default)]
    pub priority: Option<model::tasks::Priority>,
    /// For cancelling: only tasks that stand here.
    #[serde(default)]
    pub status: Option<TaskStatus>,
    /// Count only.
    #[serde(default)]
    pub dry_run: bool,
}

/// How many tasks a bulk action was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkDone {
    /// With `dry_run` 10 000 at most.
    pub tasks: i64,
    pub dry_run: bool,
}

/// Acts on all tasks that match, some hundred in each transaction, so that nothing waits for it.
pub async fn bulk(app: &App, actor: &Actor, bulk: Bulk) -> Result<BulkDone> {
    let permit = actor.require(Action::OperateQueue, Relation::Other)?;
    let status = match bulk.action {
        BulkAction::Retry => Some(TaskStatus::Failed),
        BulkAction::Cancel if bulk.status.is_some_and(TaskStatus::has_ended) => {
            return Err(Problem::field("status", "names tasks that have ended").into());
        }
        BulkAction::Cancel => bulk.status,
    };
    let filter = TaskFilter { task_type: bulk.task_type.clone(), status, priority: bulk.priority };
    if bulk.dry_run {
        let tasks = match (bulk.action, status) {
            (BulkAction::Cancel, None) => count_alive(app, &filter).await?,
            _ => queue::count(&app.db, None, &filter).await?,
        };
        return Ok(BulkDone { tasks, dry_run: true });
    }
    let details =
        json!({"action": bulk.action, "task_type": bulk.task_type, "priority": bulk.priority, "status": bulk.status});
    audit::record(&mut *app.db.acquire().await?, actor, permit, "tasks.bulk", Subject::Tasks, details).await?;
    // What dies or is queued while this goes on is not meant.
    let before = queue::now(&app.db).await?;
    let mut tasks = 0;
    loop {
        let done = match bulk.action {
            BulkAction::Cancel => cancel_some(app, &filter, before).await?,
            BulkAction::Retry => replay_some(app, &filter, before).await?,
        };
        if done == 0 {
            return Ok(BulkDone { tasks, dry_run: false });
        }
        tasks += done;
    }
}

/// Most days that a caller may keep; more than any history has.
const HISTORY_DAYS_AT_MOST: u32 = 36_500;

/// Tasks of the history that were dropped, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleared {
    pub tasks: i64,
    pub dry_run: bool,
}

/// Drops the history of before the last `days` whole days (UTC): tasks that have succeeded or were cancelled. The dead letter stays. The history
/// lies in one table a day, so whole days go, and nothing waits for it.
///
/// # Errors
/// A field problem for less than a day.
pub async fn clear_history(app: &App, actor: &Actor, days: u32, dry_run: bool) -> Result<Cleared> {
    let permit = actor.require(Action::OperateQueue, Relation::Other)?;
    if !(1..=HISTORY_DAYS_AT_MOST).contains(&days) {
        return Err(Problem::field("older_than_days", format!("is 1 to {HISTORY_DAYS_AT_MOST}")).into());
    }
    let wanted = i32::try_from(days).unwrap_or(i32::MAX);
    let mut tx = db::begin(&app.db).await?;
    let tasks = queue::count_history(&mut tx, wanted).await?;
    if !dry_run {
        queue::drop_history(&mut tx, wanted).await?;
        let details = json!({"older_than_days": days, "tasks": tasks});
        audit::record(&mut tx, actor, permit, "tasks.clear_history", Subject::Tasks, details).await?;
        tx.commit().await?;
    }
    Ok(Cleared { tasks, dry_run })
}

async fn count_alive(app: &App, filter: &TaskFilter) -> Result<i64> {
    let mut total = 0;
    for status in TaskStatus::ALL.into_iter().filter(|status| !status.has_ended()) {
        total += queue::count(&app.db, None, &TaskFilter { status: Some(status), ..filter.clone() }).await?;
    }
    Ok(total)
}

async fn cancel_some(app: &App, filter: &TaskFilter, before: DateTime<Utc>) -> Result<i64> {
    let mut tx = db::begin(&app.db).await?;
    let ended = queue::cancel_some(&mut tx, filter, before).await?;
    tx.commit().await?;
    for told in ended.iter().filter(|one| one.status == TaskStatus::Running) {
        app.bell.told_to_stop(told.id, told.owner);
    }
    app.bell.ended(&ended);
    // Those that became ready because what they waited for has ended were not cancelled.
    let is_cancelled = |one: &&queue::Ended| matches!(one.status, TaskStatus::Running | TaskStatus::Cancelled);
    Ok(ended.iter().filter(is_cancelled).count() as i64)
}

async fn replay_some(app: &App, filter: &TaskFilter, before: DateTime<Utc>) -> Result<i64> {
    let replayed = queue::replay_some(&mut *app.db.acquire().await?, filter, before).await?;
    for one in &replayed {
        app.bell.changed(one.id, one.owner, TaskStatus::Pending);
    }
    app.bell.ready();
    Ok(replayed.len() as i64)
}
