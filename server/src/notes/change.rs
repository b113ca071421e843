use model::live::{Hint, Topic};
use model::notes::Note;
use model::rbac::Action;
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::{NO_NOTE, rows, sees_hidden};
use crate::audit::{self, Subject};
use crate::rbac::Permit;
use crate::{Actor, App, Result, db};

/// A change of one note: allowed, begun, and nobody else's before it ends.
pub struct Change {
    pub tx: Transaction<'static, Postgres>,
    /// The note as it was.
    pub note: Note,
    pub permit: Permit,
    /// Whose pages show it.
    watchers: Vec<Uuid>,
}

impl Change {
    /// Refuses what the actor may not do; a note that they may not even read is not found.
    pub async fn begin(app: &App, actor: &Actor, action: Action, id: Uuid) -> Result<Self> {
        actor.require_at_all(action)?;
        let mut tx = db::begin(&app.db).await?;
        rows::lock(&mut tx, id).await?;
        let note = rows::get(&mut *tx, actor.id(), sees_hidden(actor), id).await?.ok_or(NO_NOTE)?;
        let permit = actor.require(action, note.relation)?;
        let watchers = rows::watchers(&mut tx, id).await?;
        Ok(Self { tx, note, permit, watchers })
    }

    /// Writes into the audit log what is done.
    pub async fn record(&mut self, actor: &Actor, what: &str, details: Value) -> Result<()> {
        audit::record(&mut self.tx, actor, self.permit, what, Subject::Note(self.note.id), details).await
    }

    /// The note as it is now.
    pub async fn saved(&mut self, actor: &Actor) -> Result<Note> {
        let saved = rows::get(&mut *self.tx, actor.id(), sees_hidden(actor), self.note.id).await?;
        Ok(saved.ok_or(NO_NOTE)?)
    }

    /// Somebody else sees the note from now on.
    pub fn also_seen_by(&mut self, user_id: Uuid) {
        self.watchers.push(user_id);
    }

    /// Makes it true, and tells the pages of everybody who saw the note before or sees it now.
    pub async fn end(self, app: &App) -> Result<()> {
        self.tx.commit().await?;
        ring(app, self.note.id, self.watchers);
        Ok(())
    }
}

/// Tells the pages of these people that the note changed.
pub fn ring(app: &App, id: Uuid, watchers: Vec<Uuid>) {
    app.bell.hint(watchers.into_iter().map(|user_id| Hint { topic: Topic::Note, id, user_id }));
}
