//! `bulk`: one action on all tasks that a filter leaves, some hundred in each transaction. People ask for one at `/tasks/bulk`; internal.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::rbac::Scope;
use model::tasks::{BulkAction, BulkDone, TaskFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Context, NO_ANSWER, Policy, Stop, Work};
use crate::audit::{self, Subject};
use crate::rbac::Permit;
use crate::tasks::bulk::{self, Done};
use crate::tasks::queue::{self, Narrow};
use crate::{Actor, Result, db, users};

/// Tasks of one transaction.
const AT_ONCE: i64 = 500;

/// What is done to which tasks, and who has asked for it.
#[derive(Debug, Serialize, Deserialize)]
pub struct BulkTask {
    action: BulkAction,
    filter: TaskFilter,
    /// Whose tasks: the name in the filter may be another one's by the time that this runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<Uuid>,
    /// Tasks that were queued, died or ended later are not meant.
    before: DateTime<Utc>,
    asked_by: AskedBy,
}

#[derive(Debug, Serialize, Deserialize)]
struct AskedBy {
    user_id: Uuid,
    /// Who acted as that user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    impersonator_id: Option<Uuid>,
    /// What the API key was good for; none when there was no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<Scope>>,
}

/// What is done so far; kept by the transaction of each batch, so that nothing is counted or looked at twice.
#[derive(Debug, Default, Serialize, Deserialize)]
struct SoFar {
    /// Tasks that matched, of those looked at so far.
    matched: i64,
    done: i64,
    refused: i64,
    /// How many matched when it began, to tell how far it is.
    expected: i64,
    last: Option<Uuid>,
}

impl BulkTask {
    pub(in crate::tasks) fn new(
        actor: &Actor,
        action: BulkAction,
        filter: TaskFilter,
        owner_id: Option<Uuid>,
        before: DateTime<Utc>,
    ) -> Self {
        let impersonator_id = actor.impersonator.as_ref().map(|admin| admin.id);
        let asked_by = AskedBy { user_id: actor.id(), impersonator_id, scopes: actor.scopes.clone() };
        Self { action, filter, owner_id, before, asked_by }
    }

    async fn narrow(&self, conn: &mut PgConnection) -> Result<Option<Narrow>> {
        let filter = TaskFilter { owner: None, ..self.filter.clone() };
        bulk::narrow(conn, self.owner_id, self.action, &filter).await
    }

    async fn begin(&self, context: &Context) -> Result<SoFar> {
        let mut tx = db::begin_reading(&context.app.db).await?;
        let expected = match self.narrow(&mut tx).await? {
            Some(narrow) => queue::count(&mut tx, &narrow, i64::MAX).await?,
            None => 0,
        };
        Ok(SoFar { expected, ..SoFar::default() })
    }

    /// Does it to the next tasks, in the transaction; none when there are no more.
    async fn step(&self, conn: &mut PgConnection, task_id: Uuid, so_far: &mut SoFar) -> Result<Option<Done>, Failed> {
        let (actor, permit) = self.still_may(conn).await?;
        let Some(narrow) = self.narrow(conn).await? else { return Ok(None) };
        let chosen = queue::choose(conn, &narrow, self.before, so_far.last, AT_ONCE).await?;
        let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { return Ok(None) };
        let done = bulk::act(conn, &actor, self.action, narrow.status, &chosen).await?;
        so_far.matched += chosen.len() as i64;
        so_far.done += done.done;
        so_far.refused += done.refused;
        so_far.last = Some(last.id);
        let details = json!({"action": self.action, "done": done.done, "refused": done.refused, "first": first.id, "last": last.id});
        audit::record(conn, &actor, permit, "tasks.bulk.batch", Subject::Task(task_id), details).await?;
        Ok(Some(done))
    }

    /// As whom it is done, by the rights of this moment.
    async fn still_may(&self, conn: &mut PgConnection) -> Result<(Actor, Permit), Failed> {
        let closed = Failed::NotAllowed("The account of whoever asked for it is closed");
        let AskedBy { user_id, impersonator_id, scopes } = &self.asked_by;
        let Some(mut actor) = users::actor(&mut *conn, *user_id).await? else { return Err(closed) };
        actor.scopes.clone_from(scopes);
        if let Some(id) = *impersonator_id {
            let Some(admin) = users::actor(conn, id).await? else { return Err(closed) };
            actor.impersonator = Some(admin.user);
        }
        match bulk::admit(&actor, self.action) {
            // Whoever has lost the right to everybody's tasks has not lost the one to the own.
            Ok((permit, owner)) if owner.is_none() || owner == self.owner_id => Ok((actor, permit)),
            _ => Err(Failed::NotAllowed("Whoever asked for it may not do it any more")),
        }
    }
}

/// Why a batch was not done.
enum Failed {
    /// Whoever asked for it may not do it now.
    NotAllowed(&'static str),
    Broken(crate::Error),
}

impl<E: Into<crate::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

impl Work for BulkTask {
    const NAME: &'static str = "bulk";
    const DESCRIPTION: &'static str = "Cancels, replays, hurries or deletes all tasks that a filter leaves.";
    const IS_INTERNAL: bool = true;

    fn policy() -> Policy {
        // Another attempt goes on where this one ended. What fails here says nothing of the next one's filter.
        Policy { timeout: Duration::from_secs(3600), breaker: None, ..Policy::default() }
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let again = |error: crate::Error| context.again(NO_ANSWER, error);
        let mut so_far = match context.checkpoint().await? {
            Some(so_far) => so_far,
            None => self.begin(context).await.map_err(again)?,
        };
        loop {
            if context.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let mut tx = db::begin_choosing(&context.app.db).await.map_err(|error| again(error.into()))?;
            let done = match self.step(&mut tx, context.task_id(), &mut so_far).await {
                Ok(Some(done)) => done,
                Ok(None) => break,
                Err(Failed::NotAllowed(words)) => return Err(Stop::Fatal(words.into())),
                Err(Failed::Broken(error)) => return Err(again(error)),
            };
            context.keep_in(tx, &so_far).await?;
            done.ring(&context.app, self.action);
            let percent = 100.0 * so_far.matched as f32 / so_far.expected.max(so_far.matched) as f32;
            let words = format!("{} of {} done, {} refused", so_far.done, so_far.expected, so_far.refused);
            context.progress(percent, Some(&words)).await;
        }
        let SoFar { matched, done, refused, .. } = so_far;
        Ok(json!(BulkDone { matched, done, refused }))
    }
}

/// As they are queued now: with a key and by somebody else's hands, and without.
#[cfg(test)]
pub(super) fn golden() -> [Value; 2] {
    let (nobody, before) = (Uuid::nil(), "2030-01-01T00:00:00Z");
    [
        json!({"action": "retry", "filter": {"task_type": "a", "status": "failed"}, "before": before, "asked_by": {"user_id": nobody}}),
        json!({"action": "cancel", "filter": {"owner": "a"}, "owner_id": nobody, "before": before,
            "asked_by": {"user_id": nobody, "impersonator_id": nobody, "scopes": ["queue:operate"]}}),
    ]
}
