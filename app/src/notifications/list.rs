use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::QueryClient;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::notifications::Notification;
use model::{Page, PageRequest};

use super::api::{OpenNotification, ReadAllNotifications};
use super::queries;
use crate::auth::ForSignedIn;
use crate::ui::{Empty, Loading, Moment, Pager, Refusal, Refused, refusal_of};

/// Rows of one part of the list.
const ROWS: i64 = 20;

/// What the signed-in person was told.
#[component]
pub fn NotificationsPage() -> impl IntoView {
    view! {
        <Title text="Notifications"/>
        <ForSignedIn>
            <h1>"Notifications"</h1>
            <List/>
        </ForSignedIn>
    }
}

#[component]
fn List() -> impl IntoView {
    let client: QueryClient = expect_context();
    let query = use_query_map();
    // Counted, because the query cache still asks for the key when the page has already been left.
    let place = ArcMemo::new(move |_| {
        let after = query.with(|query| query.get("after")).and_then(|id| id.parse().ok());
        PageRequest { limit: Some(ROWS), offset: None, after }
    });
    let page = queries::list({
        let place = place.clone();
        move || place.get()
    });
    let (open, read_all) = (ServerAction::<OpenNotification>::new(), ServerAction::<ReadAllNotifications>::new());
    Effect::new(move |_| {
        if open.version().get() + read_all.version().get() > 0 {
            queries::all_changed(&client);
        }
    });
    let (of_open, of_all) = (refusal_of(open), refusal_of(read_all));
    let problem = Memo::new(move |_| of_open.get().or_else(|| of_all.get()));
    let shown = move || {
        page.get().map(|read| match read {
            Ok(page) => filled(page, &place.get(), open, read_all).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <Refusal problem/>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

fn filled(
    page: Page<Notification>,
    place: &PageRequest,
    open: ServerAction<OpenNotification>,
    read_all: ServerAction<ReadAllNotifications>,
) -> impl IntoView + use<> {
    if page.items.is_empty() && place.after.is_none() {
        return view! { <Empty><p>"Nothing to tell you yet."</p></Empty> }.into_any();
    }
    let has_unread = page.items.iter().any(|one| one.read_at.is_none());
    let total = if page.total == 1 { "1 notification".to_owned() } else { format!("{} notifications", page.total) };
    let first = place.after.map(|_| "/notifications".to_owned());
    let next = page.next.map(|after| format!("/notifications?after={after}"));
    let rows = page.items.into_iter().map(|one| row(one, open)).collect_view();
    view! {
        <div class="stack">
            {has_unread.then(|| view! {
                <ActionForm action=read_all>
                    <button class="btn" data-variant="outline" type="submit" disabled=move || read_all.pending().get()>"Mark all as read"</button>
                </ActionForm>
            })}
            <ul class="told">{rows}</ul>
            <Pager total first next/>
        </div>
    }
    .into_any()
}

/// A button, because opening one ticks it off.
fn row(one: Notification, open: ServerAction<OpenNotification>) -> impl IntoView {
    let is_new = one.read_at.is_none();
    view! {
        <li data-new=is_new.then_some("")>
            <ActionForm action=open>
                <input type="hidden" name="id" value=one.id.to_string()/>
                <button type="submit">
                    {is_new.then(|| view! { <span class="badge" data-variant="primary">"new"</span> })}
                    <span>{one.text}</span>
                    <Moment at=one.created_at/>
                </button>
            </ActionForm>
        </li>
    }
}
