//! The server functions of signing in and out.

use leptos::prelude::*;
use model::auth::{AuthUser, ForgotPassword, LogIn, Register, ResetPassword, VerifyEmail};

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

/// Signs in by username or email and goes to the dashboard.
#[server(name = SubmitLogIn, endpoint = "auth/log_in")]
pub async fn log_in(new: LogIn) -> Result<(), ApiError> {
    ssr::log_in(new).await?;
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
    server::auth::forgot_password(&ssr::app()?, new).await.map_err(ssr::refuse)?;
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
