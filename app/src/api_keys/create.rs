use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::QueryClient;
use model::Problem;
use model::api_keys::CreatedApiKey;
use model::rbac::Scope;

use super::api::CreateApiKey;
use super::list::forget_list;
use crate::auth::CurrentUser;
use crate::ui::{CheckboxGroup, Refusal, SelectField, Submit, TextField, refusal_of};

/// The form for a new key, and the key once it is made.
#[component]
pub(super) fn NewKey() -> impl IntoView {
    let action = ServerAction::<CreateApiKey>::new();
    let client: QueryClient = expect_context();
    Effect::new(move |_| {
        if matches!(action.value().get(), Some(Ok(_))) {
            forget_list(&client);
        }
    });
    let problem = refusal_of(action);
    // A plain form is answered by this page, with the key in the context.
    let at_first = StoredValue::new(use_context::<CreatedApiKey>());
    let created = move || action.value().get().and_then(Result::ok).or_else(|| at_first.get_value());
    view! {
        {move || created().map(|created| view! { <ShownOnce created/> })}
        <Form action problem/>
    }
}

#[component]
fn Form(action: ServerAction<CreateApiKey>, problem: Memo<Option<Problem>>) -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let scopes = Scope::ALL.iter().copied().filter(|scope| scope.is_open_to(user.role));
    let choices = scopes.map(|scope| (scope.name(), scope.description())).collect();
    let days = vec![("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year")];
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"New key"</h2>
            <Refusal problem=problem/>
            <TextField field="name" label="Name" autocomplete="off" problem=problem help="What will use it, such as \"nightly backup\"."/>
            <CheckboxGroup field="scopes" label="Scopes" choices problem=problem/>
            <SelectField field="expires_in_days" label="Good for" choices=days initial="90" problem=problem/>
            <Submit label="Create key" pending=action.pending()/>
        </ActionForm>
    }
}

/// The new key; it is nowhere else, and not on this page when it is opened again.
#[component]
fn ShownOnce(created: CreatedApiKey) -> impl IntoView {
    let CreatedApiKey { key, api_key } = created;
    let is_copied = RwSignal::new(false);
    let can_copy = RwSignal::new(false);
    // Only a browser that runs the client, in a safe context, can copy.
    Effect::new(move |_| can_copy.set(clipboard::is_there()));
    let copied = key.clone();
    let copy = move |_| {
        clipboard::write(&copied);
        is_copied.set(true);
    };
    view! {
        <section class="panel stack" aria-labelledby="new-key">
            <h2 id="new-key">"Your new key: "{api_key.name}</h2>
            <p class="notice" data-tone="warn">"Copy it now. It is shown this once, and we keep only its hash."</p>
            <input class="input" readonly=true value=key aria-label="New API key" autocomplete="off" spellcheck="false"/>
            <p>
                <button class="btn" data-variant="outline" type="button" hidden=move || !can_copy.get() on:click=copy>"Copy"</button>
                <span role="status">{move || is_copied.get().then_some(" Copied")}</span>
            </p>
        </section>
    }
}

/// The browser's clipboard.
mod clipboard {
    #[cfg(feature = "hydrate")]
    fn get() -> Option<web_sys::Clipboard> {
        let clipboard = leptos::prelude::window().navigator().clipboard();
        // Not there unless the page came by https or from this machine.
        (!AsRef::<wasm_bindgen::JsValue>::as_ref(&clipboard).is_undefined()).then_some(clipboard)
    }

    #[cfg(feature = "hydrate")]
    pub fn is_there() -> bool {
        get().is_some()
    }

    #[cfg(feature = "hydrate")]
    pub fn write(text: &str) {
        if let Some(clipboard) = get() {
            drop(clipboard.write_text(text));
        }
    }

    #[cfg(not(feature = "hydrate"))]
    pub fn is_there() -> bool {
        false
    }

    #[cfg(not(feature = "hydrate"))]
    pub fn write(_: &str) {}
}
