//! What can be started: the web side for the server build, `hydrate` for the browser build.

#[cfg(feature = "ssr")]
pub mod web;

/// Takes over the page that the server rendered. Called once by the script in the document's head.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    app::hydrate();
}
