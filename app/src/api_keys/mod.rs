//! API keys as their owner sees them.

pub mod api;
mod create;
mod list;

use leptos::prelude::*;
use leptos_meta::Title;

use crate::auth::ForSignedIn;
use create::NewKey;
use list::Keys;

/// The keys of the signed-in person, and the form for a new one.
#[component]
pub fn ApiKeysPage() -> impl IntoView {
    view! {
        <Title text="API keys"/>
        <ForSignedIn>
            <h1>"API keys"</h1>
            <p class="field-help">
                "A program acts for you by a key, within its scopes and what your role allows. "
                <a href="/account/sessions">"Sessions"</a>" · "<a href="/api-docs" rel="external">"REST API"</a>
            </p>
            <NewKey/>
            <Keys/>
        </ForSignedIn>
    }
}
