//! The server functions of signing in and out.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use model::auth::local_path;
use model::auth::{AuthUser, Confirm, ForgotPassword, LogIn, Register, ResetPassword, Session, VerifyEmail};
use model::two_factor::Code;
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;

/// Who is signed in; nobody when no session is in force.
#[server(endpoint = "auth/me")]
pub async fn me() -> Result<Option<AuthUser>, ApiError> {
    ssr::maybe_signed_in().await
}

/// Creates an account, signs in and goes to the dashboard.
#[server(name = SubmitRegister, endpoint = "auth/register")]
pub async fn register(new: Register) -> Result<(), ApiError> {
    ssr::register(new).await?;
    ssr::redirect("/dashboard");
    Ok(())
}

/// Signs in by username or email and goes to the dashboard, or to the question for the code.
#[server(name = SubmitLogIn, endpoint = "auth/log_in")]
pub async fn log_in(new: LogIn) -> Result<(), ApiError> {
    let next = ssr::log_in(new).await?;
    ssr::redirect(next);
    Ok(())
}

/// Gives the code that a login waits for and goes to the dashboard.
#[server(name = SubmitCode, endpoint = "auth/code")]
pub async fn finish_log_in(new: Code) -> Result<(), ApiError> {
    ssr::finish_login(new).await?;
    ssr::redirect("/dashboard");
    Ok(())
}

/// Signs out and goes to the first page.
#[server(endpoint = "auth/log_out")]
pub async fn log_out() -> Result<(), ApiError> {
    ssr::log_out().await?;
    ssr::redirect("/");
    Ok(())
}

/// Whether the address of the signed-in person is confirmed.
#[server(endpoint = "auth/email_is_verified")]
pub async fn email_is_verified() -> Result<bool, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::auth::is_email_verified(&app, &actor).await.map_err(ssr::refuse)
}

/// Sends the letter that asks for the confirmation again.
#[server(endpoint = "auth/resend_verification")]
pub async fn resend_verification() -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::auth::resend_verification(&app, &actor).await.map_err(ssr::refuse)?;
    ssr::redirect("/verify-email/sent");
    Ok(())
}

/// Confirms an address by the link of its letter.
#[server(name = SubmitVerifyEmail, endpoint = "auth/verify_email")]
pub async fn verify_email(new: VerifyEmail) -> Result<(), ApiError> {
    server::auth::verify_email(&ssr::app()?, new).await.map_err(ssr::refuse)?;
    ssr::redirect("/verify-email/done");
    Ok(())
}

/// Asks for a letter with the way to a new password.
#[server(name = SubmitForgotPassword, endpoint = "auth/forgot_password")]
pub async fn forgot_password(new: ForgotPassword) -> Result<(), ApiError> {
    ssr::forgot_password(new).await?;
    ssr::redirect("/forgot-password/sent");
    Ok(())
}

/// Sets a new password by the link of a letter.
#[server(name = SubmitResetPassword, endpoint = "auth/reset_password")]
pub async fn reset_password(new: ResetPassword) -> Result<(), ApiError> {
    server::auth::reset_password(&ssr::app()?, new).await.map_err(ssr::refuse)?;
    ssr::redirect("/reset-password/done");
    Ok(())
}

/// The sessions of the signed-in person that are in force.
#[server(endpoint = "auth/sessions")]
pub async fn list_sessions() -> Result<Vec<Session>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::auth::list_sessions(&app, &actor).await.map_err(ssr::refuse)
}

/// Ends one session of the signed-in person.
#[server(endpoint = "auth/end_session")]
pub async fn end_session(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::auth::end_session(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect("/account/sessions?done=session");
    Ok(())
}

/// Ends every session of the signed-in person but this one; the answer is how many.
#[server(endpoint = "auth/log_out_others")]
pub async fn log_out_others() -> Result<u64, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let ended = server::auth::log_out_others(&app, &actor).await.map_err(ssr::refuse)?;
    ssr::redirect("/account/sessions?done=sessions");
    Ok(ended)
}

/// Ends every session of the signed-in person, this one included, and goes to the first page.
#[server(endpoint = "auth/log_out_everywhere")]
pub async fn log_out_everywhere() -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::auth::log_out_everywhere(&app, &actor).await.map_err(ssr::refuse)?;
    log_out().await
}

/// Confirms password and code and goes back to where it was asked for; the way leads to pages of ours only.
#[server(name = SubmitConfirm, endpoint = "auth/confirm")]
pub async fn confirm(new: Confirm, to: String) -> Result<(), ApiError> {
    ssr::confirm(new).await?;
    ssr::redirect(local_path(&to).unwrap_or("/account/sessions"));
    Ok(())
}
