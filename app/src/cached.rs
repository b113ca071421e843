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
