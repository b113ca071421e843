use std::time::Duration;

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use model::api_keys::ApiKey;

use super::api::{RevokeAllApiKeys, RevokeApiKey, list_api_keys};
use crate::cached::cached;
use crate::error::ApiError;
use crate::ui::{Done, Empty, Loading, Moment, Refusal, Refused, refusal_of};

fn keys() -> QueryScope<(), Result<Vec<ApiKey>, ApiError>> {
    let options =
        QueryOptions::new().with_stale_time(Duration::from_secs(10)).with_refetch_interval(Duration::from_secs(30));
    QueryScope::new(|()| list_api_keys()).with_options(options)
}

/// The list is read again.
pub(super) fn forget_list(client: &QueryClient) {
    client.invalidate_query_scope(keys());
}

#[component]
pub(super) fn Keys() -> impl IntoView {
    let client: QueryClient = expect_context();
    let read = cached(keys(), || ());
    let (revoke, revoke_all) = (ServerAction::<RevokeApiKey>::new(), ServerAction::<RevokeAllApiKeys>::new());
    Effect::new(move |_| {
        if revoke.version().get() + revoke_all.version().get() > 0 {
            forget_list(&client);
        }
    });
    let (of_one, of_all) = (refusal_of(revoke), refusal_of(revoke_all));
    let problem = Memo::new(move |_| of_one.get().or_else(|| of_all.get()));
    let shown = move || {
        read.get().map(|read| match read {
            Ok(keys) if keys.is_empty() => view! { <Empty><p>"No keys yet."</p></Empty> }.into_any(),
            Ok(keys) => filled(keys, revoke, revoke_all).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <Done/>
        <Refusal problem/>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

fn filled(
    keys: Vec<ApiKey>,
    revoke: ServerAction<RevokeApiKey>,
    revoke_all: ServerAction<RevokeAllApiKeys>,
) -> impl IntoView + use<> {
    let has_live = keys.iter().any(|key| key.is_live);
    let rows = keys.into_iter().map(|key| row(key, revoke)).collect_view();
    view! {
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Key"</th>
                    <th scope="col">"Scopes"</th>
                    <th scope="col">"Created"</th>
                    <th scope="col">"Expires"</th>
                    <th scope="col">"Last used"</th>
                    <th scope="col"><span class="sr-only">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {has_live.then(|| view! {
            <ActionForm action=revoke_all>
                <button class="btn" data-variant="destructive" type="submit" disabled=move || revoke_all.pending().get()>"Revoke all keys"</button>
            </ActionForm>
        })}
    }
}

fn row(key: ApiKey, revoke: ServerAction<RevokeApiKey>) -> impl IntoView {
    let label = format!("Revoke {}", key.name);
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
    let last = match (key.revoked_at, key.is_live) {
        (Some(_), _) => view! { <span>"revoked"</span> }.into_any(),
        (None, false) => view! { <span>"expired"</span> }.into_any(),
        (None, true) => view! {
            <ActionForm action=revoke>
                <input type="hidden" name="id" value=key.id.to_string()/>
                <button class="btn" data-variant="destructive" data-size="sm" type="submit" aria-label=label
                    disabled=move || revoke.pending().get()>"Revoke"</button>
            </ActionForm>
        }
        .into_any(),
    };
    let last_used = key.last_used_at.map(|at| view! { <Moment at/> });
    view! {
        <tr>
            <td data-label="Key">{key.name}" "<code>{key.prefix}"…"</code></td>
            <td data-label="Scopes">{scopes.join(", ")}</td>
            <td data-label="Created"><Moment at=key.created_at/></td>
            <td data-label="Expires"><Moment at=key.expires_at/></td>
            <td data-label="Last used">{last_used.map_or_else(|| view! { <span>"never"</span> }.into_any(), IntoAny::into_any)}</td>
            <td>{last}</td>
        </tr>
    }
}
