//! The server functions of the second factor.

use leptos::prelude::*;
use model::two_factor::{Code, RecoveryCodes, TwoFactor};

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;
#[cfg(feature = "ssr")]
use server::auth::two_factor;

/// Where the account of the signed-in person stands.
#[server(endpoint = "two_factor/status")]
pub async fn two_factor_status() -> Result<TwoFactor, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    two_factor::status(&app, &actor).await.map_err(ssr::refuse)
}

/// Makes a secret, which the page shows then.
#[server(endpoint = "two_factor/start")]
pub async fn start_two_factor() -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    two_factor::start(&app, &actor).await.map_err(ssr::refuse)?;
    ssr::redirect("/account/two-factor");
    Ok(())
}

/// Switches on by the first code. A plain form is answered by its page, which shows the recovery codes this once.
#[server(name = SwitchOn, endpoint = "two_factor/on")]
pub async fn switch_on(new: Code) -> Result<RecoveryCodes, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let codes = two_factor::switch_on(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::show_once(ssr::Shown::RecoveryCodes(codes.clone()));
    Ok(codes)
}

/// Replaces the recovery codes, which are shown in the same way.
#[server(name = RenewCodes, endpoint = "two_factor/renew_codes")]
pub async fn renew_codes() -> Result<RecoveryCodes, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let codes = two_factor::renew_recovery_codes(&app, &actor).await.map_err(ssr::refuse)?;
    ssr::show_once(ssr::Shown::RecoveryCodes(codes.clone()));
    Ok(codes)
}

/// Switches off by a code.
#[server(name = SwitchOff, endpoint = "two_factor/off")]
pub async fn switch_off(new: Code) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    two_factor::switch_off(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::redirect("/account/two-factor?done=two-factor-off");
    Ok(())
}
