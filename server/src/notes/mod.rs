//! Notes: written by their owner, shared with some, open to all or to nobody. The feature to copy from.

mod change;
mod letter;
mod listed;
pub mod markdown;
mod moderation;
pub mod routes;
mod rows;
mod shares;

use anyhow::ensure;
use model::notes::{Note, NoteFilter, NoteInput, NoteLimits};
use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::{Page, PageRequest, Problem, page};
use serde_json::json;
use uuid::Uuid;

pub use letter::NoteLetter;
pub use moderation::{hide, unhide};
pub use shares::{NoteShared, Shared, change_share, share, shares, unshare};

use crate::audit::{self, Subject};
use crate::{Actor, App, Result, db};
use change::{Change, ring};

const NO_NOTE: Problem = Problem::NotFound { what: Thing::Note };

/// Refuses settings that the database would refuse at each note.
pub fn check(limits: &NoteLimits) -> anyhow::Result<()> {
    ensure!((1..=200).contains(&limits.title_length), "notes.title_length must be 1 to 200");
    ensure!((1..=100_000).contains(&limits.content_length), "notes.content_length must be 1 to 100000");
    Ok(())
}

/// Writes a note for the actor.
///
/// # Errors
/// Field problems, also when the actor has as many notes as allowed.
pub async fn create(app: &App, actor: &Actor, new: NoteInput) -> Result<Note> {
    let permit = actor.require(Action::CreateNote, Relation::Own)?;
    new.check(&app.config.notes)?;

    let mut tx = db::begin(&app.db).await?;
    let most = app.config.notes.per_user;
    if rows::count_of(&mut tx, actor.id()).await? >= i64::from(most) {
        return Err(Problem::field("title", format!("you have {most} notes already; delete one first")).into());
    }
    let id = rows::insert(&mut tx, actor.id(), &new).await?;
    audit::record(&mut tx, actor, permit, "note.create", Subject::Note(id), json!({"is_public": new.is_public}))
        .await?;
    let note = rows::get(&mut *tx, actor.id(), sees_hidden(actor), id).await?.ok_or(NO_NOTE)?;
    tx.commit().await?;
    ring(app, id, vec![actor.id()]);
    Ok(note)
}

/// One note; a stranger's that is not public is not found.
pub async fn get(app: &App, actor: &Actor, id: Uuid) -> Result<Note> {
    let note = rows::get(&app.db, actor.id(), sees_hidden(actor), id).await?;
    // Whoever may read nothing at all is told that, and not what is there.
    let relation = note.as_ref().map_or(Relation::Public, |note| note.relation);
    actor.require(Action::ReadNote, relation)?;
    Ok(note.ok_or(NO_NOTE)?)
}

/// A note that the actor may change, for an editor to begin with.
pub async fn to_edit(app: &App, actor: &Actor, id: Uuid) -> Result<Note> {
    let note = get(app, actor, id).await?;
    actor.require(Action::EditNote, note.relation)?;
    Ok(note)
}

/// The notes of a list, and where the next part begins.
///
/// # Errors
/// A field problem when the note has left the list after which the next part was to begin.
pub async fn list(app: &App, actor: &Actor, filter: &NoteFilter, page: PageRequest) -> Result<Page<Note>> {
    actor.require(Action::ReadNote, Relation::Own)?;
    filter.check()?;
    let (limit, sees_hidden) = (page.limit()?, sees_hidden(actor));
    // The note of the place comes first.
    let at_place = i64::from(page.after.is_some());
    let window = listed::Window { after: page.after, offset: page.offset()?, limit: limit + 1 + at_place };

    let total = listed::count(&app.db, actor.id(), sees_hidden, filter).await?;
    let mut items = listed::list(&app.db, actor.id(), sees_hidden, filter, &window).await?;
    if let Some(after) = page.after {
        if items.first().map(|note| note.id) != Some(after) {
            return Err(Problem::field("after", "is not in this list any more; begin anew").into());
        }
        items.remove(0);
    }
    let next = page::cut(&mut items, limit, |note| note.id);
    Ok(Page { items, total, next })
}

/// Changes a note of the actor, or one that others let the actor write in.
///
/// # Errors
/// [`Problem::ChangedMeanwhile`] when the edit is of an older version, and a refusal when somebody else than the owner opens or closes it.
pub async fn update(app: &App, actor: &Actor, id: Uuid, edit: NoteInput) -> Result<Note> {
    let mut change = Change::begin(app, actor, Action::EditNote, id).await?;
    // Before anything else is refused: a form that is shown again names the present version, so this must have been told by then.
    if edit.version.is_some_and(|version| version != change.note.version) {
        return Err(Problem::ChangedMeanwhile.into());
    }
    edit.check_edit(&app.config.notes)?;
    let (is_own, is_public) = (change.note.relation == Relation::Own, edit.is_public.unwrap_or(change.note.is_public));
    let is_opened_or_closed = is_public != change.note.is_public;
    if is_opened_or_closed {
        change.permit = actor.require(Action::PublishNote, change.note.relation)?;
    }
    rows::update(&mut change.tx, id, &edit).await?;
    // What its owner writes is in the note; the log is for what others do with it, and for who can read it.
    if is_opened_or_closed || !is_own {
        change.record(actor, "note.edit", json!({"is_public": is_public})).await?;
    }
    let saved = change.saved(actor).await?;
    change.end(app).await?;
    Ok(saved)
}

/// Deletes a note of the actor, for good.
pub async fn delete(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let mut change = Change::begin(app, actor, Action::DeleteNote, id).await?;
    rows::delete(&mut change.tx, id).await?;
    change.record(actor, "note.delete", json!({})).await?;
    change.end(app).await
}

/// Whoever hides notes sees the hidden ones.
fn sees_hidden(actor: &Actor) -> bool {
    actor.may(Action::HideNote, Relation::Public)
}
