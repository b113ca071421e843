use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::page::COUNTED_AT_MOST;
use model::tasks::{Task, TaskFilter, TaskKind, TaskStatus};
use model::{Page, PageRequest};

use super::TaskTable;
use super::queries::{self, ListKey};
use crate::auth::ForSignedIn;
use crate::ui::{Empty, Loading, Pager, Refused};

/// Rows of one part of the list.
const ROWS: i64 = 20;

/// The list of tasks; its filters and its place are in the address.
#[component]
pub fn TasksPage() -> impl IntoView {
    view! {
        <Title text="Tasks"/>
        <ForSignedIn>
            <header class="actions" data-spread="">
                <h1>"Tasks"</h1>
                <a class="btn" href="/tasks/new">"New task"</a>
            </header>
            <List/>
        </ForSignedIn>
    }
}

#[component]
fn List() -> impl IntoView {
    let query = use_query_map();
    // Counted, because the query cache still asks for the key when the page has already been left.
    let key = ArcMemo::new(move |_| query.with(read));
    let page = queries::list({
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
        <Suspense fallback=|| view! { <Loading/> }>{shown}</Suspense>
    }
}

/// What the address asks for; a value that means nothing is taken for none.
fn read(query: &ParamsMap) -> ListKey {
    let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let status = text("status").and_then(|name| TaskStatus::ALL.into_iter().find(|status| status.name() == name));
    let task_type = text("type").filter(|name| TaskKind::by_name(name).is_some());
    let after = text("after").and_then(|id| id.parse().ok());
    (TaskFilter { task_type, status, priority: None }, PageRequest { limit: Some(ROWS), offset: None, after })
}

/// The address of a part of the list.
fn address(filter: &TaskFilter, after: Option<uuid::Uuid>) -> String {
    let status = filter.status.map(|status| format!("status={}", status.name()));
    let task_type = filter.task_type.as_ref().map(|name| format!("type={name}"));
    let after = after.map(|id| format!("after={id}"));
    let query: Vec<_> = [status, task_type, after].into_iter().flatten().collect();
    if query.is_empty() { "/tasks".to_owned() } else { format!("/tasks?{}", query.join("&")) }
}

/// A plain GET form: choosing and pressing the button is all it takes, also without JavaScript.
#[component]
fn Filters(filter: TaskFilter) -> impl IntoView {
    let states = TaskStatus::ALL.map(|status| {
        view! { <option value=status.name() selected=filter.status == Some(status)>{status.name()}</option> }
    });
    let types = TaskKind::ALL.map(|kind| {
        let is_chosen = filter.task_type.as_deref() == Some(kind.name());
        view! { <option value=kind.name() selected=is_chosen>{kind.title()}</option> }
    });
    view! {
        <form class="filters" method="get" action="/tasks" role="search" aria-label="Filter tasks">
            <div>
                <label for="status">"State"</label>
                <select class="select" id="status" name="status">
                    <option value="">"all"</option>
                    {states.collect_view()}
                </select>
            </div>
            <div>
                <label for="type">"Kind"</label>
                <select class="select" id="type" name="type">
                    <option value="">"all"</option>
                    {types.collect_view()}
                </select>
            </div>
            <button class="btn" data-variant="outline" type="submit">"Filter"</button>
        </form>
    }
}

fn filled(page: Page<Task>, (filter, place): &ListKey) -> impl IntoView + use<> {
    let total = match page.total {
        1 => "1 task".to_owned(),
        COUNTED_AT_MOST.. => format!("{COUNTED_AT_MOST} tasks or more"),
        total => format!("{total} tasks"),
    };
    let first = place.after.map(|_| address(filter, None));
    let next = page.next.map(|after| address(filter, Some(after)));
    let rows = if page.items.is_empty() {
        view! {
            <Empty>
                <p>"No tasks here."</p>
                <a class="btn" href="/tasks/new">"Queue a task"</a>
            </Empty>
        }
        .into_any()
    } else {
        view! { <TaskTable tasks=page.items/> }.into_any()
    };
    view! {
        <div class="stack">
            {rows}
            <Pager total first next/>
        </div>
    }
}
