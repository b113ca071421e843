//! The HTML document around the application.

use leptos::config::LeptosOptions;
use leptos::hydration::AutoReload;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::{App, ssr};

/// The addresses of the built client; their names carry a hash in a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    pub js: String,
    pub wasm: String,
    pub css: String,
}

/// The document. A plain form is answered without the client: it would draw the page anew and lose what was typed or made.
pub fn shell(assets: &Assets) -> impl IntoView + use<> {
    let Assets { js, wasm, css } = assets.clone();
    let is_answer = ssr::provide_answer();
    let start =
        format!("import init, {{ hydrate }} from '{js}';\nawait init({{ module_or_path: '{wasm}' }});\nhydrate();");
    let client = (!is_answer).then(|| {
        view! {
            <link rel="modulepreload" href=js nonce=use_nonce()/>
            <script type="module" nonce=use_nonce()>{start}</script>
        }
    });
    let reload = ssr::port_of_edits().map(|port| {
        let options = LeptosOptions::builder().output_name("starter").reload_port(port).build();
        view! { <AutoReload options/> }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=css/>
                <script src="/theme.js"></script>
                {client}
                {reload}
                <MetaTags/>
            </head>
            <body><App/></body>
        </html>
    }
}
