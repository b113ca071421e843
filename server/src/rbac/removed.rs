//! Guards that are taken away one at a time, to prove that a test notices. No build of the product has the feature `mutate`.

use std::panic::Location;

/// Whether the guard that stands there is the one to take away: `STARTER_REMOVED_GUARD` is its `file:line`.
#[cfg(feature = "mutate")]
pub fn is_removed(place: &Location<'_>) -> bool {
    static REMOVED: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("STARTER_REMOVED_GUARD").ok());
    REMOVED.as_deref().is_some_and(|removed| removed == format!("{}:{}", place.file(), place.line()))
}

/// No guard is ever taken away.
#[cfg(not(feature = "mutate"))]
pub const fn is_removed(_: &Location<'_>) -> bool {
    false
}
