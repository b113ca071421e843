//! What the pages read of people, in the query cache.

use std::time::Duration;

use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use model::users::UserProfile;
use model::users::manage::UserFilter;
use model::users::stats::UserStats;
use model::{Page, PageRequest};
use uuid::Uuid;

use super::api::{count_users, get_user, list_users, profile};
use crate::cached::cached;
use crate::error::ApiError;

/// Which part of which list.
pub type ListKey = (UserFilter, PageRequest);

fn options() -> QueryOptions {
    QueryOptions::new().with_stale_time(Duration::from_secs(10))
}

fn profiles() -> QueryScope<(), Result<UserProfile, ApiError>> {
    QueryScope::new(|()| profile()).with_options(options())
}

fn lists() -> QueryScope<ListKey, Result<Page<UserProfile>, ApiError>> {
    QueryScope::new(|(filter, page): ListKey| list_users(filter, page)).with_options(options())
}

fn users() -> QueryScope<Uuid, Result<UserProfile, ApiError>> {
    QueryScope::new(get_user).with_options(options())
}

fn figures() -> QueryScope<(), Result<UserStats, ApiError>> {
    QueryScope::new(|()| count_users()).with_options(options())
}

/// The own profile.
pub fn own() -> Resource<Result<UserProfile, ApiError>> {
    cached(profiles(), || ())
}

/// A part of a list.
pub fn list(key: impl Fn() -> ListKey + Send + Sync + 'static) -> Resource<Result<Page<UserProfile>, ApiError>> {
    cached(lists(), key)
}

/// One user.
pub fn one(id: impl Fn() -> Uuid + Send + Sync + 'static) -> Resource<Result<UserProfile, ApiError>> {
    cached(users(), id)
}

/// Figures of all users.
pub fn stats() -> Resource<Result<UserStats, ApiError>> {
    cached(figures(), || ())
}

/// What shows people is read again each time that `version` goes up: somebody's account changed, perhaps the own one.
pub fn read_again(version: impl Fn() -> usize + 'static) {
    let client = expect_context::<QueryClient>();
    Effect::new(move |_| {
        if version() > 0 {
            client.invalidate_query_scope(profiles());
            client.invalidate_query_scope(lists());
            client.invalidate_query_scope(users());
            client.invalidate_query_scope(figures());
        }
    });
}
