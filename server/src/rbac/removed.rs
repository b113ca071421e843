//! Guards that are taken away one at a time, to prove that a test notices. No build of the product has the feature `mutate`.

use std::panic::Location;

#[cfg(feature = "mutate")]
pub use in_tests::{reached_since, remove};

/// Whether the guard that stands there is the one to take away.
#[cfg(feature = "mutate")]
pub fn is_removed(place: &Location<'_>) -> bool {
    in_tests::is_removed(&format!("{}:{}", place.file(), place.line()))
}

/// No guard is ever taken away.
#[cfg(not(feature = "mutate"))]
pub const fn is_removed(_: &Location<'_>) -> bool {
    false
}

#[cfg(feature = "mutate")]
mod in_tests {
    use std::collections::BTreeSet;
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    struct Guards {
        /// `file:line`
        removed: Option<String>,
        reached: BTreeSet<String>,
    }

    fn guards() -> MutexGuard<'static, Guards> {
        static GUARDS: LazyLock<Mutex<Guards>> = LazyLock::new(|| {
            let removed = std::env::var("STARTER_REMOVED_GUARD").ok();
            Mutex::new(Guards { removed, reached: BTreeSet::new() })
        });
        GUARDS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_removed(place: &str) -> bool {
        let mut guards = guards();
        guards.reached.insert(place.to_owned());
        guards.removed.as_deref() == Some(place)
    }

    /// Takes away the guard at `file:line` and no other; the first one is that of `STARTER_REMOVED_GUARD`.
    pub fn remove(place: Option<&str>) {
        guards().removed = place.map(str::to_owned);
    }

    /// The guards that this process has come by since the last call. One that a request does not come by can not be missed there.
    pub fn reached_since() -> BTreeSet<String> {
        std::mem::take(&mut guards().reached)
    }
}
