//! `/users` and `/admin` of the REST API.

use axum::extract::{OriginalUri, State};
use model::PageRequest;
use model::users::UserProfile;
use model::users::bulk::{BulkResult, BulkUsers};
use model::users::manage::{
    ChangePassword, DeleteAccount, DeleteUser, EditProfile, NewUser, Reason, ResetPassword, SetRole, SetStatus,
    UserFilter,
};
use model::users::stats::UserStats;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{Authenticated, ErrorBody, Json, Listed, OptionalJson, Path, Query, SignedIn, Success};
use crate::{App, Result, users};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(profile, edit_profile))
        .routes(routes!(change_password))
        .routes(routes!(delete_account))
        .routes(routes!(list, create))
        .routes(routes!(get, delete))
        .routes(routes!(edit))
        .routes(routes!(set_status))
        .routes(routes!(set_role))
        .routes(routes!(reset_password))
        .routes(routes!(require_password_change))
        .routes(routes!(bulk))
        .routes(routes!(end_sessions))
        .routes(routes!(reset_two_factor))
        .routes(routes!(restore))
        .routes(routes!(stats))
}

/// The own profile.
#[utoipa::path(get, path = "/users/me/profile", tag = "users", security(("bearer" = [])), responses(
    (status = 200, body = Success<UserProfile>), (status = 401, body = ErrorBody),
))]
async fn profile(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<UserProfile>> {
    Ok(Success::of(users::profile(&app, &actor).await?))
}

/// Change the own username or email; another email has to be verified anew.
#[utoipa::path(put, path = "/users/me/profile", tag = "users", security(("bearer" = [])), request_body = EditProfile, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn edit_profile(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Json(edit): Json<EditProfile>,
) -> Result<Success<UserProfile>> {
    Ok(Success::told(users::edit_profile(&app, &actor, edit).await?, "The profile was changed"))
}

/// Change the own password; all other sessions end.
#[utoipa::path(put, path = "/users/me/password", tag = "users", security(("bearer" = [])), request_body = ChangePassword, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn change_password(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Json(change): Json<ChangePassword>,
) -> Result<Success<String>> {
    users::change_password(&app, &actor, change).await?;
    Ok(Success::of("The password was changed".into()))
}

/// Delete the own account. `confirmation` is the word `DELETE`.
#[utoipa::path(delete, path = "/users/me", tag = "users", security(("bearer" = [])), request_body = DeleteAccount, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn delete_account(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Json(wish): Json<DeleteAccount>,
) -> Result<Success<String>> {
    users::delete_account(&app, &actor, wish).await?;
    Ok(Success::of("The account was deleted".into()))
}

/// Users, for moderators and administrators; moderators see no administrators.
#[utoipa::path(get, path = "/users", tag = "users", security(("bearer" = []), ("api_key" = [])), params(UserFilter, PageRequest), responses(
    (status = 200, body = Success<Vec<UserProfile>>, headers(
        ("X-Total-Count" = i64, description = "Users that match in all"),
        ("Link" = String, description = "The next part, rel=\"next\"; only in the order `newest`"),
    )),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn list(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<UserFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Listed<UserProfile>> {
    Ok(Listed::new(users::list(&app, &actor, &filter, page).await?, &uri))
}

/// Make an account; for administrators. A higher role than that of a user can not be given by a key, and wants a password that was given
/// lately.
#[utoipa::path(post, path = "/users", tag = "users", security(("bearer" = []), ("api_key" = [])), request_body = NewUser, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn create(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(new): Json<NewUser>,
) -> Result<Success<UserProfile>> {
    Ok(Success::told(users::create(&app, &actor, new).await?, "The account was created"))
}

/// One user: oneself, for moderators all but administrators, for administrators all.
#[utoipa::path(get, path = "/users/{id}", tag = "users", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody),
))]
async fn get(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<UserProfile>> {
    Ok(Success::of(users::get(&app, &actor, id).await?))
}

/// Change somebody's username or email, or say that the email is verified; for administrators. What is about the email wants a password that
/// was given lately.
#[utoipa::path(put, path = "/users/{id}/profile", tag = "users", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = EditProfile, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn edit(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Path(id): Path<Uuid>,
    Json(edit): Json<EditProfile>,
) -> Result<Success<UserProfile>> {
    Ok(Success::told(users::edit(&app, &actor, id, edit).await?, "The profile was changed"))
}

/// Let somebody log in, or not; moderators for users, administrators for all.
#[utoipa::path(put, path = "/users/{id}/status", tag = "users", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    request_body = SetStatus, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn set_status(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
    Json(wish): Json<SetStatus>,
) -> Result<Success<UserProfile>> {
    Ok(Success::told(users::set_status(&app, &actor, id, wish).await?, "The status was changed"))
}

/// Give somebody another role; for administrators, with a password that was given lately.
#[utoipa::path(put, path = "/users/{id}/role", tag = "users", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = SetRole, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn set_role(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Path(id): Path<Uuid>,
    Json(wish): Json<SetRole>,
) -> Result<Success<UserProfile>> {
    Ok(Success::told(users::set_role(&app, &actor, id, wish).await?, "The role was changed"))
}

/// Set somebody's password and end their sessions; moderators for users, administrators for all, with a password that was given lately.
#[utoipa::path(post, path = "/users/{id}/reset-password", tag = "users", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = ResetPassword, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn reset_password(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Path(id): Path<Uuid>,
    Json(wish): Json<ResetPassword>,
) -> Result<Success<String>> {
    users::reset_password(&app, &actor, id, wish).await?;
    Ok(Success::of("The password was reset".into()))
}

/// Take the second factor of somebody away who has lost it; moderators for users, administrators for all.
#[utoipa::path(delete, path = "/users/{id}/two-factor", tag = "users", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
))]
async fn reset_two_factor(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Success<UserProfile>> {
    Ok(Success::told(users::reset_two_factor(&app, &actor, id).await?, "The second factor was taken away"))
}

/// Make somebody choose another password before anything else; moderators for users, administrators for all.
#[utoipa::path(post, path = "/users/{id}/require-password-change", tag = "users", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = Option<Reason>, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn require_password_change(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Path(id): Path<Uuid>,
    OptionalJson(why): OptionalJson<Reason>,
) -> Result<Success<UserProfile>> {
    let saved = users::require_password_change(&app, &actor, id, why.unwrap_or_default()).await?;
    Ok(Success::told(saved, "Another password has to be chosen"))
}

/// Make one change to up to 200 people, or see with `dry_run` what it would come to. Each is judged as if alone: `people` says who was
/// refused, and why; the others are changed all the same. `set_role` and `delete` want a password that was given lately. A key can not do what
/// it could not do to one person.
#[utoipa::path(post, path = "/users/bulk", tag = "users", security(("bearer" = []), ("api_key" = [])), request_body = BulkUsers, responses(
    (status = 200, body = Success<BulkResult>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn bulk(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(wish): Json<BulkUsers>,
) -> Result<Success<BulkResult>> {
    let result = users::bulk(&app, &actor, wish).await?;
    let told = format!("{} done, {} refused", result.done, result.refused);
    Ok(Success::told(result, told))
}

/// End all sessions of somebody; moderators for users, administrators for all.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "users", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn end_sessions(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<String>> {
    let ended = users::end_sessions(&app, &actor, id).await?;
    Ok(Success::of(format!("Ended {ended} session(s)")))
}

/// Delete somebody's account, for administrators with a password that was given lately; it can be restored unless `hard_delete` is said.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = Option<DeleteUser>, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn delete(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Path(id): Path<Uuid>,
    OptionalJson(wish): OptionalJson<DeleteUser>,
) -> Result<Success<String>> {
    users::delete(&app, &actor, id, wish.unwrap_or_default()).await?;
    Ok(Success::of("The account was deleted".into()))
}

/// Take back the deletion of an account, which is inactive at first; for administrators.
#[utoipa::path(post, path = "/users/{id}/restore", tag = "users", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
))]
async fn restore(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<UserProfile>> {
    Ok(Success::told(users::restore(&app, &actor, id).await?, "The account was restored"))
}

/// How many users there are, by state, role and age, and how they log in; for administrators.
#[utoipa::path(get, path = "/admin/users/stats", tag = "users", security(("bearer" = []), ("api_key" = [])), responses(
    (status = 200, body = Success<UserStats>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn stats(State(app): State<App>, Authenticated(actor): Authenticated) -> Result<Success<UserStats>> {
    Ok(Success::of(users::stats(&app, &actor).await?))
}
