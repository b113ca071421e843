//! A build without passkeys: no button at the login, no link, and no page.

use leptos::prelude::*;

pub use crate::home::NotFoundPage as PasskeysPage;

#[component]
pub fn PasskeyLogIn() -> impl IntoView {}

#[component]
pub fn PasskeysLink() -> impl IntoView {}
