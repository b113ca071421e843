//! One action on all tasks that a filter leaves, some hundred in each transaction, so that nothing waits for it.

use chrono::{DateTime, Utc};
use model::Problem;
use model::page::COUNTED_AT_MOST;
use model::rbac::{Action, Relation};
use model::tasks::{Bulk, BulkAction, BulkDone, TaskStatus};
use serde_json::json;

use super::queue::{self, Narrow};
use crate::audit::{self, Subject};
use crate::{Actor, App, Result, db};

/// Acts on all tasks that match, or counts them. What is queued, dies or ends while it goes on is not meant. What was done before a fault
/// stays done, and the audit log has it all.
///
/// # Errors
/// A field problem for a status that the action is not for.
pub async fn bulk(app: &App, actor: &Actor, bulk: Bulk) -> Result<BulkDone> {
    let permit = actor.require(Action::OperateQueue, Relation::Other)?;
    bulk.filter.check()?;
    let mut filter = bulk.filter.clone();
    match bulk.action {
        BulkAction::Retry => filter.status = Some(TaskStatus::Failed),
        action if filter.status.is_some_and(|status| !action.is_for(status)) => {
            let message =
                if action == BulkAction::Cancel { "names tasks that have ended" } else { "names tasks that are alive" };
            return Err(Problem::field("status", message).into());
        }
        BulkAction::Cancel | BulkAction::Delete => {}
    }
    let mut tx = db::begin_reading(&app.db).await?;
    let Some(narrow) = queue::narrow(&mut tx, None, &filter).await? else {
        return Ok(BulkDone { tasks: 0, dry_run: bulk.dry_run });
    };
    if bulk.dry_run {
        let mut tasks = 0;
        let states = TaskStatus::ALL.into_iter().filter(|status| bulk.action.is_for(*status));
        for status in states.filter(|status| narrow.status.is_none_or(|wanted| wanted == *status)) {
            tasks += queue::count(&mut tx, &Narrow { status: Some(status), ..narrow.clone() }).await?;
        }
        return Ok(BulkDone { tasks: tasks.min(COUNTED_AT_MOST), dry_run: true });
    }
    drop(tx);
    let details = json!({"action": bulk.action, "filter": filter});
    audit::record(&mut *app.db.acquire().await?, actor, permit, "tasks.bulk", Subject::Tasks, details).await?;
    let before = queue::now(&app.db).await?;
    let tasks = match bulk.action {
        BulkAction::Cancel => cancel(app, &narrow, before).await?,
        BulkAction::Retry => replay(app, &narrow, before).await?,
        BulkAction::Delete => delete(app, &narrow, before).await?,
    };
    Ok(BulkDone { tasks, dry_run: false })
}

async fn cancel(app: &App, narrow: &Narrow, before: DateTime<Utc>) -> Result<i64> {
    let mut tasks = 0;
    loop {
        let mut tx = db::begin(&app.db).await?;
        let ended = queue::cancel_some(&mut tx, narrow, before).await?;
        tx.commit().await?;
        for told in ended.iter().filter(|one| one.status == TaskStatus::Running) {
            app.bell.told_to_stop(told.id, told.owner);
        }
        app.bell.ended(&ended);
        // Those that became ready because what they waited for has ended were not cancelled.
        let is_cancelled = |one: &&queue::Ended| matches!(one.status, TaskStatus::Running | TaskStatus::Cancelled);
        match ended.iter().filter(is_cancelled).count() as i64 {
            0 => return Ok(tasks),
            done => tasks += done,
        }
    }
}

async fn replay(app: &App, narrow: &Narrow, before: DateTime<Utc>) -> Result<i64> {
    let mut tasks = 0;
    loop {
        let replayed = queue::replay_some(&mut *app.db.acquire().await?, narrow, before).await?;
        if replayed.is_empty() {
            return Ok(tasks);
        }
        for one in &replayed {
            app.bell.changed(one.id, one.owner, TaskStatus::Pending);
        }
        app.bell.ready();
        tasks += replayed.len() as i64;
    }
}

async fn delete(app: &App, narrow: &Narrow, before: DateTime<Utc>) -> Result<i64> {
    let (mut tasks, mut after) = (0, None);
    loop {
        let mut tx = db::begin(&app.db).await?;
        let deleted = queue::delete_some(&mut tx, narrow, before, after).await?;
        tx.commit().await?;
        app.bell.ended(&deleted.orphans);
        tasks += deleted.tasks;
        if deleted.last.is_none() {
            app.bell.many_changed();
            return Ok(tasks);
        }
        after = deleted.last;
    }
}
