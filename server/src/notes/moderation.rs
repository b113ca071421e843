//! Moderators take public notes from the public, and give them back.

use model::Problem;
use model::notes::{HideNote, Note};
use model::rbac::Action;
use serde_json::json;
use uuid::Uuid;

use super::change::Change;
use super::rows;
use crate::notifications::{self, Told};
use crate::{Actor, App, Result};

/// Takes a public note from the public. Its owner, and those with whom it is shared, still read it, and the owner is told why.
///
/// # Errors
/// A field problem for a missing reason, and a conflict when the note is not public or hidden already.
pub async fn hide(app: &App, actor: &Actor, id: Uuid, wish: HideNote) -> Result<Note> {
    let mut change = Change::begin(app, actor, Action::HideNote, id).await?;
    wish.check()?;
    if !change.note.is_public || change.note.hidden_reason.is_some() {
        return Err(Problem::Conflict { message: "The note is not open to everybody".into() }.into());
    }
    let (reason, owner) = (wish.reason.trim(), change.note.user_id);
    rows::set_hidden(&mut change.tx, id, Some(reason)).await?;
    change.record(actor, "note.hide", json!({"reason": reason})).await?;
    let told = Told {
        user_id: owner,
        key: format!("hidden:{}", Uuid::now_v7()),
        text: format!("A moderator has hidden your note “{}” from the public: {reason}", change.note.title),
        href: format!("/notes/{id}"),
    };
    notifications::add(&mut change.tx, &told).await?;
    let saved = change.saved(actor).await?;
    // The moderator's other browsers show it, too.
    change.also_seen_by(actor.id());
    change.end(app).await?;
    notifications::ring(app, owner);
    Ok(saved)
}

/// Gives a hidden note back to the public.
///
/// # Errors
/// A conflict when it is not hidden.
pub async fn unhide(app: &App, actor: &Actor, id: Uuid) -> Result<Note> {
    let mut change = Change::begin(app, actor, Action::HideNote, id).await?;
    if change.note.hidden_reason.is_none() {
        return Err(Problem::Conflict { message: "The note is not hidden".into() }.into());
    }
    rows::set_hidden(&mut change.tx, id, None).await?;
    change.record(actor, "note.unhide", json!({})).await?;
    let saved = change.saved(actor).await?;
    change.also_seen_by(actor.id());
    change.end(app).await?;
    Ok(saved)
}
