//! Passkeys as their owner sees them, and the login by one.

pub mod api;
mod browser;
mod log_in;

use std::time::Duration;

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use leptos_meta::Title;
use model::passkeys::{CeremonyAnswer, NewPasskey, Passkey};
use model::{Problem, problem::Thing};

use crate::auth::ForSignedIn;
use crate::cached::cached;
use crate::error::ApiError;
use crate::ui::{Empty, Loading, Moment, Refusal, Refused, TextField, empty, refusal_of};
use api::{RemovePasskey, finish_registration, list_passkeys, start_registration};
use browser::Ask;

pub use log_in::PasskeyLogIn;

/// The passkeys of the signed-in person, and the form for a new one.
#[component]
pub fn PasskeysPage() -> impl IntoView {
    view! {
        <Title text="Passkeys"/>
        <ForSignedIn>
            <h1>"Passkeys"</h1>
            <p class="field-help">
                "A passkey logs you in by your device, its fingerprint, face or PIN, without a password. It works on this site only, so nobody can lure it from you. "
                <a href="/account/sessions">"Sessions"</a>" · "<a href="/account/api-keys">"API keys"</a>
            </p>
            <NewPasskeyForm/>
            <Passkeys/>
        </ForSignedIn>
    }
}

/// The way to the page, from those about the account.
#[component]
pub fn PasskeysLink() -> impl IntoView {
    view! {
        " · "
        <a href="/account/passkeys">"Passkeys"</a>
    }
}

fn passkeys() -> QueryScope<(), Result<Vec<Passkey>, ApiError>> {
    let options =
        QueryOptions::new().with_stale_time(Duration::from_secs(10)).with_refetch_interval(Duration::from_secs(30));
    QueryScope::new(|()| list_passkeys()).with_options(options)
}

#[component]
fn NewPasskeyForm() -> impl IntoView {
    let client: QueryClient = expect_context();
    let form = NodeRef::<leptos::html::Form>::new();
    let is_there = RwSignal::new(None::<bool>);
    Effect::new(move |_| is_there.set(Some(browser::is_there())));
    let action = Action::new_local(move |name: &String| {
        let new = NewPasskey { name: name.clone() };
        async move {
            let ceremony = start_registration(new).await.map_err(|error| error.0)?;
            let Some(credential) = browser::ask(Ask::Create, &ceremony.options).await else {
                return Err(Problem::NotFound { what: Thing::Passkey });
            };
            let made = finish_registration(CeremonyAnswer { id: ceremony.id, credential }).await;
            client.invalidate_query_scope(passkeys());
            if made.is_ok() {
                empty(form);
            }
            made.map(drop).map_err(|error| error.0)
        }
    });
    let problem = Memo::new(move |_| action.value().get().and_then(Result::err));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        drop(action.dispatch(typed_name(form)));
    };
    view! {
        <form class="panel stack" on:submit=submit node_ref=form>
            <h2>"New passkey"</h2>
            {move || hindrance(is_there.get()).map(|(class, words)| view! { <p class=class data-tone="warn">{words}</p> })}
            <Refusal problem/>
            <TextField field="name" label="Name" autocomplete="off" problem help="What you know it by, such as \"phone\"."/>
            <button class="btn" type="submit" disabled=move || action.pending().get() || is_there.get() != Some(true)>"Add a passkey"</button>
        </form>
    }
}

/// Why no passkey can be made, and how it is shown; before the client runs it is not known whether the browser could.
fn hindrance(is_there: Option<bool>) -> Option<(&'static str, &'static str)> {
    match is_there {
        None => Some(("notice unless-started", "Only a page with JavaScript can ask your device for a passkey.")),
        Some(false) => Some(("notice", "This browser does not know passkeys.")),
        Some(true) => None,
    }
}

#[cfg(feature = "hydrate")]
fn typed_name(form: NodeRef<leptos::html::Form>) -> String {
    use leptos::web_sys::FormData;
    let data = form.get_untracked().and_then(|form| FormData::new_with_form(&form).ok());
    data.and_then(|data| data.get("new[name]").as_string()).unwrap_or_default()
}

#[cfg(not(feature = "hydrate"))]
fn typed_name(_: NodeRef<leptos::html::Form>) -> String {
    String::new()
}

#[component]
fn Passkeys() -> impl IntoView {
    let client: QueryClient = expect_context();
    let read = cached(passkeys(), || ());
    let remove = ServerAction::<RemovePasskey>::new();
    Effect::new(move |_| {
        if remove.version().get() > 0 {
            client.invalidate_query_scope(passkeys());
        }
    });
    let problem = refusal_of(remove);
    let shown = move || {
        read.get().map(|read| match read {
            Ok(keys) if keys.is_empty() => view! { <Empty><p>"No passkeys yet."</p></Empty> }.into_any(),
            Ok(keys) => filled(keys, remove).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <Refusal problem/>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

fn filled(keys: Vec<Passkey>, remove: ServerAction<RemovePasskey>) -> impl IntoView + use<> {
    let rows = keys.into_iter().map(|key| row(key, remove)).collect_view();
    view! {
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Passkey"</th>
                    <th scope="col">"Added"</th>
                    <th scope="col">"Last used"</th>
                    <th scope="col"><span class="sr-only">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn row(key: Passkey, remove: ServerAction<RemovePasskey>) -> impl IntoView {
    let label = format!("Remove {}", key.name);
    let last_used = key.last_used_at.map(|at| view! { <Moment at/> });
    view! {
        <tr>
            <td data-label="Passkey">{key.name}</td>
            <td data-label="Added"><Moment at=key.created_at/></td>
            <td data-label="Last used">{last_used.map_or_else(|| view! { <span>"never"</span> }.into_any(), IntoAny::into_any)}</td>
            <td>
                <ActionForm action=remove>
                    <input type="hidden" name="id" value=key.id.to_string()/>
                    <button class="btn" data-variant="destructive" data-size="sm" type="submit" aria-label=label
                        disabled=move || remove.pending().get()>"Remove"</button>
                </ActionForm>
            </td>
        </tr>
    }
}
