//! What pages read, shared by all parts of a page and kept by the browser.

use std::fmt::Debug;
use std::hash::Hash;

use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryScope};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the query cache has for a key, and again whenever that gets older than its scope allows or is invalidated.
///
/// On the server it is only fetched. A resource of leptos-fetch 0.4.10 looks into the cache before it takes the lock for fetching, and panics
/// when another thread has fetched in between; the page then waits for it until the time for requests is over.
pub fn cached<K, V>(scope: QueryScope<K, V>, key: impl Fn() -> K + Send + Sync + 'static) -> Resource<V>
where
    K: Debug + Hash + PartialEq + Clone + Send + Sync + 'static,
    V: Debug + Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    let client: QueryClient = expect_context();
    if cfg!(feature = "ssr") {
        return Resource::new(key, move |key| {
            let scope = scope.clone();
            async move { client.fetch_query(scope, key).await }
        });
    }
    client.resource(scope, key)
}

/// What follows from something that was read, made of it and of what it was before. In the browser it is a memo, so that what shows it stands
/// still while nothing changes.
///
/// On the server it is asked for each time. There another thread may bring what is read while a memo is being made of nothing: the page would be
/// written without it.
#[expect(clippy::disallowed_methods, reason = "on the server nothing is ever replaced")]
pub fn derived<T>(make: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Signal<T>
where
    T: PartialEq + Clone + Send + Sync + 'static,
{
    if cfg!(feature = "ssr") { Signal::derive(move || make(None)) } else { Memo::new(make).into() }
}
