//! The server functions of signing in and out.

use leptos::prelude::*;
use model::auth::{AuthUser, LogIn, Register};

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
