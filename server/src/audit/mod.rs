//! The audit log: who did what, written in the same transaction as the change itself.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Actor, Result};

/// What something was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    Task(Uuid),
    TaskType(&'a str),
    Schedule(Uuid),
    ApiKey(Uuid),
    /// Many at once, described by the details.
    Tasks,
}

impl Subject<'_> {
    fn words(self) -> (&'static str, String) {
        match self {
            Self::Task(id) => ("task", id.to_string()),
            Self::TaskType(name) => ("task_type", name.to_owned()),
            Self::Schedule(id) => ("schedule", id.to_string()),
            Self::ApiKey(id) => ("api_key", id.to_string()),
            Self::Tasks => ("tasks", "many".to_owned()),
        }
    }
}

/// Adds a row. `action` is a word such as `task.replay`; the details hold no secrets and no text that people wrote for themselves.
pub async fn record(
    conn: &mut PgConnection,
    actor: &Actor,
    action: &str,
    subject: Subject<'_>,
    details: Value,
) -> Result<()> {
    let (kind, name) = subject.words();
    sqlx::query!(
        "insert into audit_log (id, actor_id, action, subject_kind, subject, details) values ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(),
        actor.id(),
        action,
        kind,
        name,
        details,
    )
    .execute(conn)
    .await?;
    Ok(())
}
