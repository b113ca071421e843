//! The server functions of notes. A browser without the client is led on; the client leads itself, when it has read again what changed.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use model::notes::{ChangeShare, HideNote, Note, NoteFilter, NoteInput, NoteShare, ShareNote};
use model::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;
#[cfg(feature = "ssr")]
use server::notes;

/// A note, and its content as HTML. Markdown is made safe by the server only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteView {
    pub note: Note,
    pub html: String,
}

/// The notes of a list, with the beginning of their contents. As JSON, because a form cannot say an empty filter.
#[server(endpoint = "notes/list", input = Json)]
pub async fn list_notes(filter: NoteFilter, page: PageRequest) -> Result<Page<Note>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let page = notes::list(&app, &actor, &filter, page).await.map_err(ssr::refuse)?;
    Ok(Page { items: page.items.into_iter().map(Note::shortened).collect(), ..page })
}

/// One note.
#[server(endpoint = "notes/get")]
pub async fn get_note(id: Uuid) -> Result<NoteView, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let note = notes::get(&app, &actor, id).await.map_err(ssr::refuse)?;
    Ok(NoteView { html: notes::markdown::to_html(&note.content), note })
}

/// A note that the signed-in person may change.
#[server(endpoint = "notes/to_edit")]
pub async fn get_note_to_edit(id: Uuid) -> Result<Note, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::to_edit(&app, &actor, id).await.map_err(ssr::refuse)
}

/// Writes a note.
#[server(endpoint = "notes/create")]
pub async fn create_note(new: NoteInput) -> Result<Note, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let note = notes::create(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form("/notes?done=note-created");
    Ok(note.shortened())
}

/// Changes a note, by the form and by itself while somebody types.
#[server(endpoint = "notes/update")]
pub async fn update_note(id: Uuid, new: NoteInput) -> Result<Note, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let note = notes::update(&app, &actor, id, new.of_form()).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form(&format!("/notes/{id}?done=note-saved"));
    Ok(note.shortened())
}

/// Deletes a note.
#[server(endpoint = "notes/delete")]
pub async fn delete_note(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::delete(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form("/notes?done=note-deleted");
    Ok(())
}

/// With whom a note is shared.
#[server(endpoint = "notes/shares")]
pub async fn list_shares(id: Uuid) -> Result<Vec<NoteShare>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::shares(&app, &actor, id).await.map_err(ssr::refuse)
}

/// Shares a note with somebody; no when they had it already, and only what they may do was changed.
#[server(name = SubmitShare, endpoint = "notes/share")]
pub async fn share_note(id: Uuid, new: ShareNote) -> Result<bool, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let shared = notes::share(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    let done = if shared.is_new { "note-shared" } else { "note-share-changed" };
    ssr::lead_plain_form(&format!("/notes/{id}/share?done={done}"));
    Ok(shared.is_new)
}

/// Changes what somebody may do with a note.
#[server(name = SubmitPermission, endpoint = "notes/change_share")]
pub async fn change_share(id: Uuid, user_id: Uuid, new: ChangeShare) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::change_share(&app, &actor, id, user_id, new).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form(&format!("/notes/{id}/share?done=note-share-changed"));
    Ok(())
}

/// Takes a note back from somebody.
#[server(name = SubmitRevocation, endpoint = "notes/revoke")]
pub async fn revoke_share(id: Uuid, user_id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::unshare(&app, &actor, id, user_id).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form(&format!("/notes/{id}/share?done=note-revoked"));
    Ok(())
}

/// Leaves a note that somebody shares.
#[server(endpoint = "notes/leave")]
pub async fn leave_note(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::unshare(&app, &actor, id, actor.id()).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form("/notes?list=shared&done=note-left");
    Ok(())
}

/// Takes a public note from the public.
#[server(name = SubmitHiding, endpoint = "notes/hide")]
pub async fn hide_note(id: Uuid, new: HideNote) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::hide(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form(&format!("/notes/{id}?done=note-hidden"));
    Ok(())
}

/// Gives a hidden note back to the public.
#[server(name = SubmitUnhiding, endpoint = "notes/unhide")]
pub async fn unhide_note(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notes::unhide(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::lead_plain_form(&format!("/notes/{id}?done=note-unhidden"));
    Ok(())
}
