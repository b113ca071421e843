//! One action on all tasks that a filter leaves: counted at once (with a text in parts), done by a task in the background ([`BulkTask`]).

use model::Problem;
use model::rbac::Relation;
use model::tasks::{Bulk, BulkAction, BulkAsked, NewTask, Priority, TaskFilter, TaskKind, TaskStatus};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::enqueue::enqueue_in;
use super::kinds::{BulkTask, Work};
use super::queue::{self, Chosen, Ended, Found, Narrow};
use crate::audit::{self, Subject};
use crate::rbac::Permit;
use crate::{Actor, App, Result, db};

/// Counts the tasks that match, or queues the task that does it to them: of everybody's tasks where the table allows the action for them,
/// else of the actor's own. What is queued, dies or ends after this is not meant.
///
/// # Errors
/// A field problem for a status that the action is not for, or a place to go on where nothing is counted in parts.
pub async fn bulk(app: &App, actor: &Actor, bulk: Bulk) -> Result<BulkAsked> {
    let (permit, owner) = admit(actor, bulk.action)?;
    let Bulk { action, dry_run, after, .. } = bulk;
    let filter = filter_of(bulk)?;
    let mut tx = if dry_run { db::begin_reading(&app.db).await? } else { db::begin(&app.db).await? };
    let narrow = narrow(&mut tx, owner, action, &filter).await?;
    if dry_run {
        let found = match narrow {
            Some(narrow) => queue::found(&mut tx, &narrow, after).await?,
            None => Found::default(),
        };
        return Ok(BulkAsked { dry_run, tasks: Some(found.tasks), next: found.last, task_id: None });
    }
    let Some(narrow) = narrow else {
        return Err(Problem::Unreadable {
            message: "There is no such type of task, or nobody of this name, or they are somebody else's".into(),
        }
        .into());
    };
    let task = BulkTask::new(actor, action, filter.clone(), narrow.owner, queue::now(&mut *tx).await?);
    let payload = serde_json::to_value(task).map_err(anyhow::Error::from)?;
    // A backlog that an operator cancels must not keep it waiting; one person's wishes wait like that person's tasks.
    let priority = Some(if owner.is_some() { Priority::Normal } else { Priority::High });
    let new = NewTask { task_type: BulkTask::NAME.into(), payload, priority, ..NewTask::default() };
    let queued = enqueue_in(app, &mut tx, Some(actor.id()), new).await?;
    let details = json!({"action": action, "filter": filter, "task": queued.0.id});
    audit::record(&mut tx, actor, permit, "tasks.bulk", Subject::Tasks, details).await?;
    tx.commit().await?;
    queued.ring(app);
    Ok(BulkAsked { dry_run, tasks: None, next: None, task_id: Some(queued.0.id) })
}

/// Whether the table allows the action, as for a single task, and whose tasks it is limited to.
pub fn admit(actor: &Actor, action: BulkAction) -> Result<(Permit, Option<Uuid>), Problem> {
    let owner = actor.limited_to(action.permission());
    let relation = if owner.is_some() { Relation::Own } else { Relation::Other };
    Ok((actor.require(action.permission(), relation)?, owner))
}

/// The filter, checked; what is for one status only is for that one, whatever it says.
fn filter_of(bulk: Bulk) -> Result<TaskFilter, Problem> {
    bulk.filter.check()?;
    if bulk.after.is_some() && !(bulk.dry_run && bulk.filter.text.is_some()) {
        return Err(Problem::field("after", "is for a dry run with a text"));
    }
    let status = match (bulk.action.only(), bulk.filter.status) {
        (None, Some(status)) if !bulk.action.is_for(status) => {
            let is_cancel = bulk.action == BulkAction::Cancel;
            let message = if is_cancel { "names tasks that have ended" } else { "names tasks that are alive" };
            return Err(Problem::field("status", message));
        }
        (only, status) => only.or(status),
    };
    Ok(TaskFilter { status, ..bulk.filter })
}

/// What of the filter the action is for, of this owner's tasks or everybody's; none when nothing can match.
pub async fn narrow(
    conn: &mut PgConnection,
    owner: Option<Uuid>,
    action: BulkAction,
    filter: &TaskFilter,
) -> Result<Option<Narrow>> {
    let narrow = queue::narrow(conn, owner, filter).await?;
    // Those that are alive go together, and so do those that have ended.
    let is_alive = Some(action.is_for(TaskStatus::Retrying));
    Ok(narrow.map(|narrow| Narrow { is_alive, ..narrow }))
}

/// What became of some tasks.
#[derive(Debug, Default)]
pub struct Done {
    /// Those that are cancelled are counted with the steps of chains that waited for them.
    pub done: i64,
    /// Those that the actor may not do it to.
    pub refused: i64,
    ended: Vec<Ended>,
}

/// Does it to these tasks, in the caller's transaction, as far as each of them is open to the actor.
pub async fn act(
    conn: &mut PgConnection,
    actor: &Actor,
    action: BulkAction,
    status: Option<TaskStatus>,
    chosen: &[Chosen],
) -> Result<Done> {
    let ids: Vec<_> = chosen.iter().filter(|one| is_open(actor, action, one)).map(|one| one.id).collect();
    let refused = (chosen.len() - ids.len()) as i64;
    Ok(match action {
        BulkAction::Cancel => {
            let ended = queue::cancel_all(conn, &ids, status).await?;
            // Those that became ready because what they waited for has ended were not cancelled.
            let is_cancelled = |one: &&Ended| matches!(one.status, TaskStatus::Running | TaskStatus::Cancelled);
            Done { done: ended.iter().filter(is_cancelled).count() as i64, refused, ended }
        }
        BulkAction::Retry => {
            let replayed = queue::replay_all(conn, &ids).await?;
            let again = |one: &queue::Replayed| Ended {
                id: one.id,
                owner: one.owner,
                status: TaskStatus::Pending,
                is_ready: true,
            };
            Done { done: replayed.len() as i64, refused, ended: replayed.iter().map(again).collect() }
        }
        BulkAction::RunNow => {
            let hurried = queue::run_now(conn, &ids, None, status).await?;
            let ready =
                |one: &queue::Hurried| Ended { id: one.id, owner: one.owner, status: one.status, is_ready: true };
            Done { done: hurried.len() as i64, refused, ended: hurried.iter().map(ready).collect() }
        }
        BulkAction::Delete => {
            super::forget(conn, &ids).await?;
            let (done, ended) = queue::delete_all(conn, &ids, status).await?;
            Done { done, refused, ended }
        }
    })
}

/// Whether the table allows it for this one task, as it would be asked for it alone.
fn is_open(actor: &Actor, action: BulkAction, one: &Chosen) -> bool {
    let relation = if one.owner == Some(actor.id()) { Relation::Own } else { Relation::Other };
    let needed = TaskKind::by_name(&one.task_type).and_then(TaskKind::needs).filter(|_| action == BulkAction::Retry);
    actor.may(action.permission(), relation) && needed.is_none_or(|needed| actor.may(needed, Relation::Own))
}

impl Done {
    /// Tells workers and pages, after the commit.
    pub fn ring(&self, app: &App, action: BulkAction) {
        for told in self.ended.iter().filter(|one| one.status == TaskStatus::Running) {
            app.bell.told_to_stop(told.id, told.owner);
        }
        app.bell.ended(&self.ended);
        if action == BulkAction::Delete {
            app.bell.many_changed();
        }
    }
}
