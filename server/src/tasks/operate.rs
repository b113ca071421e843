//! What moderators and administrators do with the queue as a whole: watch it, hold types back, drop old history. Every change is in
//! the audit log.

use chrono::Utc;
use model::Problem;
use model::page::COUNTED_AT_MOST;
use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::tasks::{
    BreakerState, LaneDepth, Minute, Operations, Period, QueueAction, QueueCommand, QueueSeen, TaskType,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::kinds::webhook::hosts;
use super::{Call, queue, schedules};
use crate::audit::{self, Subject};
use crate::{Actor, App, Result, db};

/// Minutes of figures that can be asked for: a day.
const MINUTES_AT_MOST: i32 = 24 * 60;
/// Characters of a reason.
const REASON_AT_MOST: usize = 500;

/// Depths, types with pause and breaker, hosts of webhooks, workers and what they run, what was given up, and how PostgreSQL bears it.
pub async fn look(app: &App, actor: &Actor) -> Result<QueueSeen> {
    actor.require(Action::OperateQueue, Relation::Other)?;
    let bell = app.live.bell_latency().map(|latency| latency.as_secs_f64());
    let (lanes, types, hosts, mut workers, running, dead, health) = tokio::try_join!(
        async { Ok(queue::depths(&app.db, LaneDepth::COUNTED_AT_MOST).await?) },
        queue::types_seen(&app.db),
        hosts::seen(&app.db),
        queue::workers(&app.db),
        queue::running(&app.db),
        queue::dead(&app.db, COUNTED_AT_MOST),
        queue::health(&app.db, bell),
    )?;
    queue::count_running(&mut workers, &running);
    Ok(QueueSeen { seen_at: Utc::now(), lanes, types, hosts, workers, running, dead, health })
}

/// All that the overview shows, with graphs over a period; for whoever may [`look`].
pub async fn operations(app: &App, actor: &Actor, period: Period) -> Result<Operations> {
    let figures = async {
        let mut tx = db::begin_reading(&app.db).await?;
        queue::figures(&mut tx, period).await
    };
    let (seen, figures, schedules) = tokio::try_join!(look(app, actor), figures, schedules::list(app, actor))?;
    Ok(Operations { seen, figures, schedules })
}

/// Does what the form of the overview says; each action is a verb of its own.
pub async fn command(app: &App, actor: &Actor, command: QueueCommand) -> Result<()> {
    let task_type = &command.subject;
    match command.action {
        QueueAction::Pause => pause(app, actor, task_type, command.reason.as_deref().unwrap_or_default()).await,
        QueueAction::Resume => resume(app, actor, task_type).await,
        QueueAction::OpenBreaker => set_breaker(app, actor, task_type, Some(BreakerState::Open)).await,
        QueueAction::CloseBreaker => set_breaker(app, actor, task_type, Some(BreakerState::Closed)).await,
        QueueAction::FreeBreaker => set_breaker(app, actor, task_type, None).await,
        QueueAction::RunSchedule => schedules::run_now(app, actor, schedule_of(task_type)?).await.map(drop),
        QueueAction::PauseSchedule => schedules::set_paused(app, actor, schedule_of(task_type)?, true).await.map(drop),
        QueueAction::ResumeSchedule => {
            schedules::set_paused(app, actor, schedule_of(task_type)?, false).await.map(drop)
        }
    }
}

fn schedule_of(subject: &str) -> Result<Uuid, Problem> {
    subject.parse().map_err(|_| Problem::NotFound { what: Thing::Schedule })
}

/// How the attempts of the last minutes ended, by minute and type, and by worker where that is asked for.
pub async fn minutes(app: &App, actor: &Actor, count: Option<i32>, by_worker: bool) -> Result<Vec<Minute>> {
    actor.require(Action::OperateQueue, Relation::Other)?;
    let count = count.unwrap_or(60);
    if !(1..=MINUTES_AT_MOST).contains(&count) {
        return Err(Problem::field("minutes", format!("must be 1 to {MINUTES_AT_MOST}")).into());
    }
    queue::minutes(&app.db, count, by_worker).await
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
    app.bell.many_changed();
    Ok(())
}

/// Lets the tasks of a type go on.
pub async fn resume(app: &App, actor: &Actor, task_type: &str) -> Result<()> {
    let permit = actor.require(Action::OperateQueue, Relation::Other)?;
    let mut tx = db::begin(&app.db).await?;
    found(queue::resume(&mut tx, task_type).await?)?;
    audit::record(&mut tx, actor, permit, "task_type.resume", Subject::TaskType(task_type), json!({})).await?;
    tx.commit().await?;
    app.bell.ready(Call::types([task_type]));
    app.bell.many_changed();
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
    app.bell.ready(Call::types([task_type]));
    app.bell.many_changed();
    Ok(())
}

fn found(is_there: bool) -> Result<(), Problem> {
    if is_there { Ok(()) } else { Err(Problem::NotFound { what: Thing::TaskType }) }
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
