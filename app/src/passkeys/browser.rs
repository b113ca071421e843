//! `navigator.credentials` of the browser. The JSON forms of WebAuthn level 3 do the work; browsers have had them since 2024.

use serde_json::Value;

/// What a browser does with a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Make a new one.
    Create,
    /// Sign with one that is there.
    Get,
}

#[cfg(not(feature = "hydrate"))]
mod inside {
    use super::{Ask, Value};

    pub fn is_there() -> bool {
        false
    }

    pub async fn ask(_: Ask, _: &Value) -> Option<String> {
        None
    }

    pub fn open(_: &str) {}
}

#[cfg(feature = "hydrate")]
mod inside {
    use leptos::web_sys::js_sys::{Function, JSON, Object, Promise, Reflect};
    use leptos::web_sys::window;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    use super::{Ask, Value};

    impl Ask {
        /// The method of `navigator.credentials`, and the one that reads its options.
        fn names(self) -> (&'static str, &'static str) {
            match self {
                Self::Create => ("create", "parseCreationOptionsFromJSON"),
                Self::Get => ("get", "parseRequestOptionsFromJSON"),
            }
        }
    }

    fn member(of: &JsValue, name: &str) -> Option<JsValue> {
        Reflect::get(of, &name.into()).ok().filter(|found| !found.is_undefined() && !found.is_null())
    }

    fn call(of: &JsValue, name: &str, argument: &JsValue) -> Option<JsValue> {
        member(of, name)?.dyn_into::<Function>().ok()?.call1(of, argument).ok()
    }

    fn credentials() -> Option<(JsValue, JsValue)> {
        let window = JsValue::from(window()?);
        let credentials = member(&member(&window, "navigator")?, "credentials")?;
        Some((member(&window, "PublicKeyCredential")?, credentials))
    }

    pub fn open(path: &str) {
        if let Some(window) = window() {
            drop(window.location().set_href(path));
        }
    }

    pub fn is_there() -> bool {
        credentials().is_some_and(|(class, _)| member(&class, Ask::Create.names().1).is_some())
    }

    pub async fn ask(what: Ask, options: &Value) -> Option<String> {
        let (class, credentials) = credentials()?;
        let (method, parse) = what.names();
        let options = call(&class, parse, &JSON::parse(&options.to_string()).ok()?)?;
        let wish = Object::new();
        Reflect::set(&wish, &"publicKey".into(), &options).ok()?;
        let promise = call(&credentials, method, &wish)?.dyn_into::<Promise>().ok()?;
        let credential = JsFuture::from(promise).await.ok()?;
        JSON::stringify(&call(&credential, "toJSON", &JsValue::UNDEFINED)?).ok()?.as_string()
    }
}

/// Whether this browser knows passkeys, and the client runs.
pub fn is_there() -> bool {
    inside::is_there()
}

/// Asks the browser, and its user; none when nothing came of it: people change their mind, and devices are at home.
pub async fn ask(what: Ask, options: &Value) -> Option<String> {
    inside::ask(what, options).await
}

/// Opens a page anew, so that nothing which was read before somebody signed in is left.
pub fn open(path: &str) {
    inside::open(path);
}
