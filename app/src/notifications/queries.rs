//! What the pages read of notifications, in the query cache: read again at a live hint, and every minute.

use std::time::Duration;

use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use model::live::Topic;
use model::notifications::Notification;
use model::{Page, PageRequest};
use uuid::Uuid;

use super::api::{list_notifications, unread_notifications};
use crate::cached::cached;
use crate::error::ApiError;
use crate::tasks::live::Live;

/// What an event reads again.
pub const LIVE: Live = (Topic::Notification.name(), changed, all_changed);

fn options() -> QueryOptions {
    QueryOptions::new().with_stale_time(Duration::from_secs(30)).with_refetch_interval(Duration::from_secs(60))
}

fn lists() -> QueryScope<PageRequest, Result<Page<Notification>, ApiError>> {
    QueryScope::new(list_notifications).with_options(options())
}

fn counts() -> QueryScope<(), Result<i64, ApiError>> {
    QueryScope::new(|()| unread_notifications()).with_options(options())
}

/// A part of the list.
pub fn list(key: impl Fn() -> PageRequest + Send + Sync + 'static) -> Resource<Result<Page<Notification>, ApiError>> {
    cached(lists(), key)
}

/// How many are unread.
pub fn unread() -> Resource<Result<i64, ApiError>> {
    cached(counts(), || ())
}

/// Something was told, or read. Which one does not matter: the count is of all.
pub fn changed(client: &QueryClient, _: Uuid) {
    all_changed(client);
}

/// List and count are read again.
pub fn all_changed(client: &QueryClient) {
    client.invalidate_query_scope(lists());
    client.invalidate_query_scope(counts());
}
