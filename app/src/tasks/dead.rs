use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use model::tasks::{BulkAction, DEAD_GROUPS_AT_MOST, DeadGroup, TaskFilter, TaskStatus};

use super::filters::{address, list_address};
use super::nav;
use super::queries;
use super::table::title_of;
use crate::auth::ForSignedIn;
use crate::cached::derived;
use crate::ui::{Empty, Loading, Moment, Refused, Rows, duration};

/// The dead letter by error: what failed for good, and the ways to run it again, one by one, by the group, or all.
#[component]
pub fn DeadLetterPage() -> impl IntoView {
    view! {
        <Title text="Dead letter"/>
        <ForSignedIn>
            {nav("Dead letter", "/tasks/dead")}
            <Groups/>
        </ForSignedIn>
    }
}

#[component]
fn Groups() -> impl IntoView {
    let read = queries::dead_groups();
    let state = derived(move |_| read.get().map(|read| read.map(|groups| groups.is_empty())));
    let groups = derived(move |before: Option<&Vec<DeadGroup>>| match read.get() {
        Some(Ok(groups)) => in_place(before, groups),
        // What could not be read this time has not changed places.
        _ => before.cloned().unwrap_or_default(),
    });
    let shown = move || {
        state.get().map(|read| match read {
            Ok(true) => view! { <Empty><p>"Nothing has failed for good."</p></Empty> }.into_any(),
            Ok(false) => filled(groups),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! { <Transition fallback=|| view! { <Loading/> }>{shown}</Transition> }
}

/// A group that stands there keeps its place while it grows, and new ones come below: nobody who is about to press a button of one shall press
/// that of another. Whoever opens the page has those that grew last above.
fn in_place(before: Option<&Vec<DeadGroup>>, mut groups: Vec<DeadGroup>) -> Vec<DeadGroup> {
    let places: HashMap<_, _> = before.into_iter().flatten().map(key).zip(0..).collect();
    groups.sort_by_cached_key(|group| places.get(&key(group)).copied().unwrap_or(usize::MAX));
    groups
}

fn key(group: &DeadGroup) -> (String, String) {
    (group.task_type.clone(), group.error.clone())
}

fn filled(groups: Signal<Vec<DeadGroup>>) -> AnyView {
    let words = move || {
        groups.with(|groups| {
            let tasks: i64 = groups.iter().map(|group| group.tasks).sum();
            let more = if groups.len() < DEAD_GROUPS_AT_MOST {
                ""
            } else {
                " in the groups below, and there may be older ones"
            };
            let tasks = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
            format!("{tasks} failed for good{more}. What is here stays until it is run again or deleted.")
        })
    };
    let all = TaskFilter { status: Some(TaskStatus::Failed), ..TaskFilter::default() };
    view! {
        <div class="actions" data-spread="">
            <p>{words}</p>
            {acts(&all, "all")}
        </div>
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Kind"</th>
                    <th scope="col">"Error"</th>
                    <th scope="col">"Tasks"</th>
                    <th scope="col">"First"</th>
                    <th scope="col">"Last"</th>
                    <th scope="col">"What to do"</th>
                </tr>
            </thead>
            <tbody><Rows rows=groups key=key row=move |group| row(groups, group)/></tbody>
        </table>
    }
    .into_any()
}

fn row(groups: Signal<Vec<DeadGroup>>, group: DeadGroup) -> AnyView {
    let (first, key_of_it) = (group.clone(), key(&group));
    let now = Memo::new(move |_| {
        let found = |groups: &Vec<DeadGroup>| groups.iter().find(|one| key(one) == key_of_it).cloned();
        groups.with(found).unwrap_or_else(|| first.clone())
    });
    let filter = TaskFilter {
        task_type: Some(group.task_type.clone()),
        status: Some(TaskStatus::Failed),
        error: Some(group.error.clone()),
        ..TaskFilter::default()
    };
    view! {
        <tr>
            <td class="word" data-label="Kind">{title_of(&group.task_type)}</td>
            <td data-label="Error"><a href=list_address(&filter)>{if group.error.is_empty() { "none given".to_owned() } else { group.error }}</a></td>
            <td data-label="Tasks">{move || now.get().tasks}</td>
            <td data-label="First">{move || view! { <Moment at=now.get().first_at/>" "<small>{age(&now.get())}</small> }}</td>
            <td data-label="Last">{move || view! { <Moment at=now.get().last_at/> }}</td>
            <td>{acts(&filter, "group")}</td>
        </tr>
    }
    .into_any()
}

fn age(group: &DeadGroup) -> String {
    format!("{} ago", duration(group.age_seconds as f64))
}

/// The first of two clicks; the second is on the page that says how many tasks it is for.
fn acts(filter: &TaskFilter, of: &'static str) -> AnyView {
    let link = |action: BulkAction, words: &'static str| {
        let href = address("/tasks/bulk", filter, &[("do", action.name().to_owned())]);
        view! { <a class="btn" data-variant="outline" data-size="sm" href=href>{words}<span class="sr-only">" "{of}</span></a> }
    };
    view! { <span class="actions">{link(BulkAction::Retry, "Run again")}{link(BulkAction::Delete, "Delete")}</span> }
        .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(error: &str) -> DeadGroup {
        let at = chrono::DateTime::UNIX_EPOCH;
        DeadGroup {
            task_type: "email".into(),
            error: error.into(),
            tasks: 1,
            first_at: at,
            last_at: at,
            age_seconds: 90,
        }
    }

    fn errors(groups: &[DeadGroup]) -> Vec<&str> {
        groups.iter().map(|group| group.error.as_str()).collect()
    }

    #[test]
    fn a_group_keeps_its_place_and_new_ones_come_below() {
        let before = in_place(None, vec![group("b"), group("a"), group("gone")]);
        assert_eq!(errors(&before), ["b", "a", "gone"], "as it was read");
        let after = in_place(Some(&before), vec![group("new"), group("a"), group("newer"), group("b")]);
        assert_eq!(errors(&after), ["b", "a", "new", "newer"]);
    }
}
