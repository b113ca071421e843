//! The server functions of notifications.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use model::notifications::Notification;
use model::{Page, PageRequest};
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;
#[cfg(feature = "ssr")]
use server::notifications;

/// What the signed-in person was told. As JSON, because a form cannot say an empty part.
#[server(endpoint = "notifications/list", input = Json)]
pub async fn list_notifications(page: PageRequest) -> Result<Page<Notification>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notifications::list(&app, &actor, page).await.map_err(ssr::refuse)
}

/// How much of it is unread; nothing for nobody, because the bar of every page asks.
#[server(endpoint = "notifications/unread")]
pub async fn unread_notifications() -> Result<i64, ApiError> {
    match ssr::maybe_actor().await? {
        Some((app, actor)) => notifications::unread(&app, &actor).await.map_err(ssr::refuse),
        None => Ok(0),
    }
}

/// Ticks one off and goes to the page that it leads to.
#[server(endpoint = "notifications/open")]
pub async fn open_notification(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let href = notifications::read(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&href);
    Ok(())
}

/// Ticks all of them off.
#[server(endpoint = "notifications/read_all")]
pub async fn read_all_notifications() -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    notifications::read_all(&app, &actor).await.map_err(ssr::refuse)?;
    ssr::redirect("/notifications");
    Ok(())
}
