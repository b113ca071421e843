//! The server functions of API keys.

use leptos::prelude::*;
use model::api_keys::{ApiKey, CreatedApiKey, NewApiKey};
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;

/// The keys of the signed-in person.
#[server(endpoint = "api_keys/list")]
pub async fn list_api_keys() -> Result<Vec<ApiKey>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::api_keys::list(&app, &actor).await.map_err(ssr::refuse)
}

/// Makes a key. A plain form is answered by its page, which shows the key this once.
#[server(endpoint = "api_keys/create")]
pub async fn create_api_key(new: NewApiKey) -> Result<CreatedApiKey, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let created = server::api_keys::create(&app, &actor, new).await.map_err(ssr::refuse)?;
    ssr::show_once(ssr::Shown::ApiKey(created.clone()));
    Ok(created)
}

/// Ends every key of the signed-in person; the answer is how many.
#[server(endpoint = "api_keys/revoke_all")]
pub async fn revoke_all_api_keys() -> Result<u64, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let revoked = server::api_keys::revoke_all(&app, &actor).await.map_err(ssr::refuse)?;
    ssr::redirect("/account/api-keys?done=keys");
    Ok(revoked)
}

/// Ends a key of the signed-in person.
#[server(endpoint = "api_keys/revoke")]
pub async fn revoke_api_key(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::api_keys::revoke(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect("/account/api-keys");
    Ok(())
}
