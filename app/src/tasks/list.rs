use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::page::counted;
use model::tasks::{BulkAction, TaskFilter, TaskListed};
use model::{Page, PageRequest};
use uuid::Uuid;

use super::actions::{Actions, is_for_all};
use super::columns::{self, Column};
use super::filters::{self, Filters, address};
use super::queries::{self, ListKey};
use super::{TaskTable, nav};
use crate::auth::{CurrentUser, ForSignedIn};
use crate::cached::derived;
use crate::error::ApiError;
use crate::ui::{Done, Empty, Loading, Pager, Refusal, Refused};

/// Rows of one part of the list.
const ROWS: i64 = 20;

/// The list of tasks; its filters and its place are in the address.
#[component]
pub fn TasksPage() -> impl IntoView {
    view! {
        <Title text="Tasks"/>
        <ForSignedIn>
            {nav("Tasks", "/tasks")}
            <Done/>
            <List/>
        </ForSignedIn>
    }
}

#[component]
fn List() -> impl IntoView {
    let query = use_query_map();
    // Counted, because the query cache still asks for the key when the page has already been left.
    let key = ArcMemo::new(move |_| {
        query.with(|query| {
            let after = query.get("after").and_then(|id| id.parse().ok());
            (filters::read(query), PageRequest { limit: Some(ROWS), offset: None, after })
        })
    });
    let page = queries::list({
        let key = key.clone();
        move || key.get()
    });
    let CurrentUser(user) = expect_context();
    let columns = ArcMemo::new(move |_| query.with(|query| columns::read(query, user.role)));
    let (filter, shown) = (key.clone(), columns.clone());
    let actions = Actions::new();
    actions.keep_all_current();
    view! {
        <Refusal problem=Memo::new(move |_| actions.problem())/>
        {move || view! { <Filters filter=filter.get().0 columns=shown.get()/> }}
        <Transition fallback=|| view! { <Loading/> }><Part page key columns actions/></Transition>
    }
}

/// Stands still while rows come and go.
#[component]
fn Part(
    page: Resource<Result<Page<TaskListed>, ApiError>>,
    key: ArcMemo<ListKey>,
    columns: ArcMemo<Vec<Column>>,
    actions: Actions,
) -> impl IntoView {
    let state = derived(move |_| page.get().map(|read| read.map(|page| page.items.is_empty())));
    let tasks = derived(move |_| page.get().and_then(Result::ok).map(|page| page.items).unwrap_or_default());
    let is_offered = Memo::new({
        let key = key.clone();
        move |_| key.with(|(filter, _)| is_for_all(filter))
    });
    let below = {
        let columns = columns.clone();
        move || page.get().and_then(Result::ok).map(|page| foot(&page, &key.get(), &columns.get()))
    };
    move || {
        let below = below.clone();
        state.get().map(|read| match read {
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
            Ok(true) => view! {
                <div class="stack">
                    <Empty>
                        <p>"No tasks here."</p>
                        <a class="btn" href="/tasks/new">"Queue a task"</a>
                    </Empty>
                    {below}
                </div>
            }
            .into_any(),
            Ok(false) => {
                let table =
                    view! { <TaskTable tasks columns=columns.get() actions=is_offered.get().then_some(actions)/> };
                view! { <div class="stack">{table}{below}</div> }.into_any()
            }
        })
    }
}

/// How many there are, the ways to other parts, and what can be done to all of them.
fn foot(page: &Page<TaskListed>, (filter, place): &ListKey, columns: &[Column]) -> AnyView {
    let mut total = counted(page.total, "task");
    if filter.text.is_some() {
        total += if page.next.is_some() { " among those looked through so far" } else { ", and no older ones" };
    }
    let CurrentUser(user) = expect_context();
    let part = |after: Option<Uuid>| {
        let mut more = columns::pairs(columns, user.role);
        more.extend(after.map(|id| ("after", id.to_string())));
        address("/tasks", filter, &more)
    };
    let first = place.after.map(|_| part(None));
    let next = page.next.map(|after| part(Some(after)));
    let bulk = (page.total > 0).then(|| bulk(filter));
    view! { <Pager total first next/>{bulk} }.into_any()
}

/// Ways to act on everything that the filter leaves; each leads to a page that says how many it is for.
fn bulk(filter: &TaskFilter) -> AnyView {
    let is_wanted = |action: &BulkAction| match filter.status {
        Some(status) => action.is_for(status),
        None => match action {
            BulkAction::Cancel | BulkAction::Delete => true,
            BulkAction::Retry => filter.error.is_some(),
            BulkAction::RunNow => false,
        },
    };
    let link = |action: BulkAction| {
        let words = match action {
            BulkAction::Cancel => "Cancel all of these",
            BulkAction::Retry => "Run all of these again",
            BulkAction::RunNow => "Run all of these now",
            BulkAction::Delete => "Delete all of these that have ended",
        };
        let href = address("/tasks/bulk", filter, &[("do", action.name().to_owned())]);
        view! { <a class="btn" data-variant="outline" href=href>{words}</a> }
    };
    let links = BulkAction::ALL.into_iter().filter(is_wanted).map(link).collect_view();
    view! { <p class="actions">{links}</p> }.into_any()
}
