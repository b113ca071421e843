//! `/notes` of the REST API.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use model::PageRequest;
use model::notes::{ChangeShare, HideNote, Note, NoteFilter, NoteInput, NoteShare, ShareNote};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{Authenticated, ErrorBody, Json, Listed, Path, Query, SignedIn, Success};
use crate::{App, Result, notes};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(share))
        .routes(routes!(shares))
        .routes(routes!(change_share, unshare))
        .routes(routes!(hide, unhide))
}

/// Own notes, those that others share with this user, or public ones; searched, in an order.
#[utoipa::path(get, path = "/notes", tag = "notes", security(("bearer" = []), ("api_key" = [])), params(NoteFilter, PageRequest),
    responses(
    (status = 200, body = Success<Vec<Note>>, headers(
        ("X-Total-Count" = i64, description = "Notes that match in all, counted to 10,000"),
        ("Link" = String, description = "The next part, rel=\"next\""),
    )),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn list(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<NoteFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Listed<Note>> {
    Ok(Listed::new(notes::list(&app, &actor, &filter, page).await?, &uri))
}

/// Write a note.
#[utoipa::path(post, path = "/notes", tag = "notes", security(("bearer" = []), ("api_key" = [])), request_body = NoteInput, responses(
    (status = 201, body = Success<Note>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn create(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(new): Json<NoteInput>,
) -> Result<(StatusCode, Success<Note>)> {
    Ok((StatusCode::CREATED, Success::of(notes::create(&app, &actor, new).await?)))
}

/// One note: an own, a shared or a public one.
#[utoipa::path(get, path = "/notes/{id}", tag = "notes", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Note>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn get(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<Note>> {
    Ok(Success::of(notes::get(&app, &actor, id).await?))
}

/// Change a note: an own one, or one that is shared to write. With the `version` that was read, 409 says that somebody was faster.
#[utoipa::path(put, path = "/notes/{id}", tag = "notes", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    request_body = NoteInput, responses(
    (status = 200, body = Success<Note>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn update(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
    Json(edit): Json<NoteInput>,
) -> Result<Success<Note>> {
    Ok(Success::of(notes::update(&app, &actor, id, edit).await?))
}

/// Delete an own note.
#[utoipa::path(delete, path = "/notes/{id}", tag = "notes", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn delete(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    notes::delete(&app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Share an own note with somebody, or change what they may do: 201 when it is new to them, which they are told.
#[utoipa::path(post, path = "/notes/{id}/share", tag = "notes", security(("bearer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path)), request_body = ShareNote, responses(
    (status = 200, body = Success<NoteShare>), (status = 201, body = Success<NoteShare>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn share(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
    Json(wish): Json<ShareNote>,
) -> Result<(StatusCode, Success<NoteShare>)> {
    let shared = notes::share(&app, &actor, id, wish).await?;
    let status = if shared.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Success::of(shared.share)))
}

/// With whom an own note is shared.
#[utoipa::path(get, path = "/notes/{id}/shares", tag = "notes", security(("bearer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<Vec<NoteShare>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn shares(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<Vec<NoteShare>>> {
    Ok(Success::of(notes::shares(&app, &actor, id).await?))
}

/// Change what somebody may do with an own note.
#[utoipa::path(put, path = "/notes/{id}/shares/{user_id}", tag = "notes", security(("bearer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path), ("user_id" = Uuid, Path)), request_body = ChangeShare, responses(
    (status = 200, body = Success<NoteShare>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn change_share(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path((id, user_id)): Path<(Uuid, Uuid)>,
    Json(wish): Json<ChangeShare>,
) -> Result<Success<NoteShare>> {
    Ok(Success::of(notes::change_share(&app, &actor, id, user_id, wish).await?))
}

/// Take an own note back from somebody; or, with the own id, leave a note that somebody shares.
#[utoipa::path(delete, path = "/notes/{id}/shares/{user_id}", tag = "notes", security(("bearer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path), ("user_id" = Uuid, Path)), responses(
    (status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody),
))]
async fn unshare(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path((id, user_id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode> {
    notes::unshare(&app, &actor, id, user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a public note from the public; for moderators.
#[utoipa::path(put, path = "/notes/{id}/hidden", tag = "notes", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = HideNote, responses(
    (status = 200, body = Success<Note>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn hide(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Path(id): Path<Uuid>,
    Json(wish): Json<HideNote>,
) -> Result<Success<Note>> {
    Ok(Success::of(notes::hide(&app, &actor, id, wish).await?))
}

/// Give a hidden note back to the public; for moderators.
#[utoipa::path(delete, path = "/notes/{id}/hidden", tag = "notes", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Note>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
))]
async fn unhide(State(app): State<App>, SignedIn(actor): SignedIn, Path(id): Path<Uuid>) -> Result<Success<Note>> {
    Ok(Success::of(notes::unhide(&app, &actor, id).await?))
}
