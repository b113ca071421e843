//! The second factor of the own account: off, being set up, on.

pub mod api;
mod page;

use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryScope};
use model::two_factor::TwoFactor;

use api::two_factor_status;

use crate::cached::cached;
use crate::error::ApiError;
pub use page::TwoFactorPage;

// Not stale only for a moment: the secret of a set-up must not stay in a cache.
fn states() -> QueryScope<(), Result<TwoFactor, ApiError>> {
    let options = leptos_fetch::QueryOptions::new().with_stale_time(std::time::Duration::from_secs(1));
    QueryScope::new(|()| two_factor_status()).with_options(options)
}

/// Where the account of the signed-in person stands.
pub fn status() -> Resource<Result<TwoFactor, ApiError>> {
    cached(states(), || ())
}

/// It is read again each time that `version` goes up.
fn read_again(version: impl Fn() -> usize + 'static) {
    let client = expect_context::<QueryClient>();
    Effect::new(move |_| {
        if version() > 0 {
            client.invalidate_query_scope(states());
        }
    });
}
