use leptos::prelude::*;
use leptos_fetch::QueryScope;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::audit::{AuditEntry, AuditFilter};
use model::{Page, PageRequest};
use serde_json::Value;

use super::api::list_audit;
use crate::auth::ForSignedIn;
use crate::cached::cached;
use crate::error::ApiError;
use crate::ui::{Empty, Loading, Moment, Pager, Refused};

/// Rows of one part of the log.
const ROWS: i64 = 50;

type Key = (AuditFilter, PageRequest);

fn parts() -> QueryScope<Key, Result<Page<AuditEntry>, ApiError>> {
    QueryScope::new(|(filter, page): Key| list_audit(filter, page))
}

/// Who did what to whom; the filter and the place are in the address.
#[component]
pub fn AuditLogPage() -> impl IntoView {
    view! {
        <Title text="Audit log"/>
        <ForSignedIn>
            <h1>"Audit log"</h1>
            <Log/>
        </ForSignedIn>
    }
}

#[component]
fn Log() -> impl IntoView {
    let query = use_query_map();
    // Counted, because the query cache still asks for the key when the page has already been left.
    let key = ArcMemo::new(move |_| query.with(read));
    let page = cached(parts(), {
        let key = key.clone();
        move || key.get()
    });
    let filter = key.clone();
    let shown = move || {
        page.get().map(|read| match read {
            Ok(page) => filled(page, &key.get()).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        {move || view! { <Filters filter=filter.get().0/> }}
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

/// What the address asks for; a value that means nothing is taken for none.
fn read(query: &ParamsMap) -> Key {
    let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let id = |name: &str| text(name).and_then(|id| id.parse().ok());
    let day = |name: &str| text(name).and_then(|day| day.parse().ok());
    let filter = AuditFilter {
        action: text("action"),
        actor: text("actor"),
        subject: text("subject"),
        from: day("from"),
        to: day("to"),
    };
    (filter, PageRequest { limit: Some(ROWS), offset: None, after: id("after") })
}

/// The address of a part of the log.
fn address(filter: &AuditFilter, after: Option<uuid::Uuid>) -> String {
    let mut query = ParamsMap::new();
    let pairs = [
        ("action", filter.action.clone()),
        ("actor", filter.actor.clone()),
        ("subject", filter.subject.clone()),
        ("from", filter.from.map(|day| day.to_string())),
        ("to", filter.to.map(|day| day.to_string())),
        ("after", after.map(|id| id.to_string())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            query.insert(name, value);
        }
    }
    format!("/admin/audit-log{}", query.to_query_string())
}

#[component]
fn Filters(filter: AuditFilter) -> impl IntoView {
    view! {
        <form class="filters" method="get" action="/admin/audit-log" role="search" aria-label="Filter the audit log">
            <div>
                <label for="actor">"Who"</label>
                <input class="input" id="actor" name="actor" value=filter.actor placeholder="id or name"/>
            </div>
            <div>
                <label for="action">"Action"</label>
                <input class="input" id="action" name="action" value=filter.action placeholder="user or user.edit"/>
            </div>
            <div>
                <label for="subject">"Subject"</label>
                <input class="input" id="subject" name="subject" value=filter.subject placeholder="id or name"/>
            </div>
            <div>
                <label for="from">"From"</label>
                <input class="input" type="date" id="from" name="from" value=filter.from.map(|day| day.to_string())/>
            </div>
            <div>
                <label for="to">"To"</label>
                <input class="input" type="date" id="to" name="to" value=filter.to.map(|day| day.to_string())/>
            </div>
            <button class="btn" data-variant="outline" type="submit">"Filter"</button>
        </form>
    }
}

fn filled(page: Page<AuditEntry>, (filter, place): &Key) -> impl IntoView + use<> {
    if page.items.is_empty() {
        return view! { <Empty><p>"Nothing was noted."</p></Empty> }.into_any();
    }
    let first = place.after.map(|_| address(filter, None));
    let next = page.next.map(|after| address(filter, Some(after)));
    let rows = page.items.into_iter().map(row).collect_view();
    view! {
        <div class="stack">
            <table class="data-table">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"Did"</th>
                        <th scope="col">"To"</th>
                        <th scope="col">"Allowed by"</th>
                        <th scope="col">"Details"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <Pager total=String::new() first next/>
        </div>
    }
    .into_any()
}

fn row(entry: AuditEntry) -> impl IntoView {
    let actor = entry.actor_name.unwrap_or_else(|| entry.actor_id.to_string());
    let impersonator = entry.impersonator_id.map(|id| {
        let name = entry.impersonator_name.unwrap_or_else(|| id.to_string());
        view! { ", in truth "<a href=format!("/admin/audit-log?actor={id}")>{name}</a> }
    });
    let subject = match (entry.subject_kind.as_str(), entry.subject_name) {
        ("user", Some(name)) => view! { <a href=format!("/users/{}", entry.subject)>{name}</a> }.into_any(),
        ("task", _) => view! { <a href=format!("/tasks/{}", entry.subject)>{entry.subject.clone()}</a> }.into_any(),
        _ => view! { {entry.subject} }.into_any(),
    };
    let details: Vec<_> = match &entry.details {
        Value::Object(details) => details
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| format!("{name}: {value}"))
            .collect(),
        other => vec![other.to_string()],
    };
    view! {
        <tr>
            <td data-label="When"><Moment at=entry.at/></td>
            <td data-label="Who"><a href=format!("/admin/audit-log?actor={}", entry.actor_id)>{actor}</a>{impersonator}</td>
            <td data-label="From">{entry.ip}</td>
            <td data-label="Did">{entry.action}</td>
            <td data-label="To">{entry.subject_kind}" "{subject}</td>
            <td data-label="Allowed by">{entry.rule}</td>
            <td data-label="Details">{details.join(", ")}</td>
        </tr>
    }
}
