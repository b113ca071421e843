//! The server functions of passkeys.

use leptos::prelude::*;
use model::passkeys::{Ceremony, CeremonyAnswer, NewPasskey, Passkey};
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;

/// The passkeys of the signed-in person.
#[server(endpoint = "passkeys/list")]
pub async fn list_passkeys() -> Result<Vec<Passkey>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::passkeys::list(&app, &actor).await.map_err(ssr::refuse)
}

/// What the browser is asked for when a passkey is made.
#[server(endpoint = "passkeys/start_registration")]
pub async fn start_registration(new: NewPasskey) -> Result<Ceremony, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::passkeys::start_registration(&app, &actor, new).await.map_err(ssr::refuse)
}

/// Keeps the passkey that the browser has made.
#[server(endpoint = "passkeys/finish_registration")]
pub async fn finish_registration(answer: CeremonyAnswer) -> Result<Passkey, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::passkeys::finish_registration(&app, &actor, answer).await.map_err(ssr::refuse)
}

/// Removes a passkey of the signed-in person.
#[server(endpoint = "passkeys/remove")]
pub async fn remove_passkey(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::passkeys::remove(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect("/account/passkeys");
    Ok(())
}

/// What the browser is asked for when somebody logs in.
#[server(endpoint = "passkeys/start_login")]
pub async fn start_login() -> Result<Ceremony, ApiError> {
    let (app, parts) = (ssr::app()?, ssr::parts()?);
    let client = server::http::Client::of(&app.config.server, &parts);
    server::passkeys::start_login(&app, &client).await.map_err(ssr::refuse)
}

/// Signs in by a passkey, until the browser is closed.
#[server(endpoint = "passkeys/finish_login")]
pub async fn finish_login(answer: CeremonyAnswer) -> Result<(), ApiError> {
    let (app, parts) = (ssr::app()?, ssr::parts()?);
    let client = server::http::Client::of(&app.config.server, &parts);
    let user = server::passkeys::finish_login(&app, answer, &client).await.map_err(ssr::refuse)?;
    ssr::sign_in(&app, &parts, user.id, false).await
}
