//! The server functions of the own account and of user administration.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use model::users::UserProfile;
use model::users::bulk::{BulkResult, BulkUsers};
use model::users::manage::{
    ChangePassword, DeleteAccount, DeleteUser, EditProfile, Impersonate, NewUser, Reason, ResetPassword, SetRole,
    SetStatus, UserFilter,
};
use model::users::stats::UserStats;
use model::{Page, PageRequest};
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;
#[cfg(feature = "ssr")]
use server::users;

/// The own profile.
#[server(endpoint = "account/profile")]
pub async fn profile() -> Result<UserProfile, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::profile(&app, &actor).await.map_err(ssr::refuse)
}

/// Changes the own username or email.
#[server(name = SubmitProfile, endpoint = "account/edit")]
pub async fn edit_profile(new: EditProfile) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::edit_profile(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::redirect("/account?done=profile");
    Ok(())
}

/// Changes the own password.
#[server(name = SubmitPassword, endpoint = "account/password")]
pub async fn change_password(new: ChangePassword) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::change_password(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::redirect("/account?done=password");
    Ok(())
}

/// Deletes the own account and goes to the first page.
#[server(name = SubmitDeletion, endpoint = "account/delete")]
pub async fn delete_account(new: DeleteAccount) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::delete_account(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::redirect("/");
    Ok(())
}

/// Users whom the actor may read. As JSON, because a form cannot say an empty filter.
#[server(endpoint = "users/list", input = Json)]
pub async fn list_users(filter: UserFilter, page: PageRequest) -> Result<Page<UserProfile>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::list(&app, &actor, &filter, page).await.map_err(ssr::refuse)
}

/// Figures of all users.
#[server(endpoint = "users/stats")]
pub async fn count_users() -> Result<UserStats, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::stats(&app, &actor).await.map_err(ssr::refuse)
}

/// One user.
#[server(endpoint = "users/get")]
pub async fn get_user(id: Uuid) -> Result<UserProfile, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::get(&app, &actor, id).await.map_err(ssr::refuse)
}

/// Makes an account and goes to its page.
#[server(name = SubmitUser, endpoint = "users/create")]
pub async fn create_user(new: NewUser) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let created = users::create(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{}?done=created", created.id));
    Ok(())
}

/// Changes somebody's username or email.
#[server(name = SubmitEdit, endpoint = "users/edit")]
pub async fn edit_user(id: Uuid, new: EditProfile) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::edit(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=profile"));
    Ok(())
}

/// Lets somebody log in, or not.
#[server(name = SubmitStatus, endpoint = "users/status")]
pub async fn set_status(id: Uuid, new: SetStatus) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::set_status(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=status"));
    Ok(())
}

/// Gives somebody another role.
#[server(name = SubmitRole, endpoint = "users/role")]
pub async fn set_role(id: Uuid, new: SetRole) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::set_role(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=role"));
    Ok(())
}

/// Sets somebody's password.
#[server(name = SubmitReset, endpoint = "users/reset_password")]
pub async fn reset_password(id: Uuid, new: ResetPassword) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::reset_password(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=reset"));
    Ok(())
}

/// Makes somebody choose another password before anything else.
#[server(name = SubmitPasswordDemand, endpoint = "users/require_password_change")]
pub async fn require_password_change(id: Uuid, new: Reason) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::require_password_change(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=password-demand"));
    Ok(())
}

/// Takes the second factor of somebody away.
#[server(name = SubmitTwoFactorReset, endpoint = "users/reset_two_factor")]
pub async fn reset_two_factor(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::reset_two_factor(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=two-factor-reset"));
    Ok(())
}

/// Ends all sessions of somebody.
#[server(name = SubmitEndOfSessions, endpoint = "users/end_sessions")]
pub async fn end_sessions(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::end_sessions(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=sessions"));
    Ok(())
}

/// Acts as somebody else and goes to their dashboard.
#[server(name = SubmitImpersonation, endpoint = "users/impersonate")]
pub async fn impersonate(id: Uuid, new: Impersonate) -> Result<(), ApiError> {
    ssr::impersonate(id, new).await?;
    ssr::redirect("/dashboard");
    Ok(())
}

/// Goes back to the own session, to the page of whom was acted as.
#[server(endpoint = "users/end_impersonation")]
pub async fn end_impersonation() -> Result<(), ApiError> {
    let id = ssr::end_impersonation().await?;
    ssr::redirect(&format!("/users/{id}?done=impersonation"));
    Ok(())
}

/// Deletes somebody's account.
#[server(name = SubmitUserDeletion, endpoint = "users/delete")]
pub async fn delete_user(id: Uuid, new: DeleteUser) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let is_gone = new.hard_delete;
    users::delete(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::redirect(&if is_gone { "/users?done=deleted".to_owned() } else { format!("/users/{id}?done=deleted") });
    Ok(())
}

/// Takes back a deletion.
#[server(name = SubmitRestoration, endpoint = "users/restore")]
pub async fn restore_user(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::restore(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/users/{id}?done=restored"));
    Ok(())
}

/// What a change of many people would come to. As JSON, because it is no form.
#[server(endpoint = "users/preview_bulk", input = Json)]
pub async fn preview_bulk(wish: BulkUsers) -> Result<BulkResult, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    users::bulk(&app, &actor, BulkUsers { dry_run: true, ..wish }).await.map_err(ssr::refuse)
}

/// Changes many people. A plain form is answered by its page, which shows what became of each.
#[server(name = SubmitBulk, endpoint = "users/bulk")]
pub async fn change_many(new: BulkUsers) -> Result<BulkResult, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let result = users::bulk(&app, &actor, BulkUsers { dry_run: false, ..new }).await.map_err(ssr::refuse)?;
    ssr::show_once(ssr::Shown::Bulk(result.clone()));
    Ok(result)
}
