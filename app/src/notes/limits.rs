use leptos::prelude::*;
use leptos::server::SharedValue;
use model::notes::NoteLimits;

/// Gives the forms the limits of this server, which come with the first page.
pub fn provide_limits() {
    provide_context(SharedValue::new(here).into_inner());
}

#[cfg(feature = "ssr")]
fn here() -> NoteLimits {
    crate::ssr::app().map(|app| app.config.notes.clone()).unwrap_or_default()
}

/// In the browser when the page did not bring them; the server judges anyway.
#[cfg(not(feature = "ssr"))]
fn here() -> NoteLimits {
    NoteLimits::default()
}
