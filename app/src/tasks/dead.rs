use leptos::prelude::*;
use leptos_meta::Title;
use model::rbac::{Action, Relation, allowed};
use model::tasks::{BulkAction, DEAD_GROUPS_AT_MOST, DeadGroup, TaskFilter, TaskStatus};

use super::filters::{address, list_address};
use super::nav;
use super::queries;
use super::table::title_of;
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{Empty, Loading, Moment, Refused};

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
    let groups = queries::dead_groups();
    let shown = move || {
        groups.get().map(|read| match read {
            Ok(groups) if groups.is_empty() => {
                view! { <Empty><p>"Nothing has failed for good."</p></Empty> }.into_any()
            }
            Ok(groups) => filled(groups),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! { <Transition fallback=|| view! { <Loading/> }>{shown}</Transition> }
}

fn filled(groups: Vec<DeadGroup>) -> AnyView {
    let CurrentUser(user) = expect_context();
    let is_operator = allowed(user.role, Action::OperateQueue, Relation::Other);
    let tasks: i64 = groups.iter().map(|group| group.tasks).sum();
    let more = (groups.len() >= DEAD_GROUPS_AT_MOST).then_some(" in the groups below, and there may be older ones");
    let all = TaskFilter { status: Some(TaskStatus::Failed), ..TaskFilter::default() };
    let rows = groups.into_iter().map(|group| row(group, is_operator)).collect_view();
    view! {
        <div class="actions" data-spread="">
            <p>{tasks}" tasks failed for good"{more}". They stay until they are run again or deleted."</p>
            {is_operator.then(|| acts(&all, "all"))}
        </div>
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Kind"</th>
                    <th scope="col">"Error"</th>
                    <th scope="col">"Tasks"</th>
                    <th scope="col">"First"</th>
                    <th scope="col">"Last"</th>
                    {is_operator.then(|| view! { <th scope="col">"What to do"</th> })}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(group: DeadGroup, is_operator: bool) -> AnyView {
    let filter = TaskFilter {
        task_type: Some(group.task_type.clone()),
        status: Some(TaskStatus::Failed),
        error: Some(group.error.clone()),
        ..TaskFilter::default()
    };
    view! {
        <tr>
            <td data-label="Kind">{title_of(&group.task_type)}</td>
            <td data-label="Error"><a href=list_address(&filter)>{if group.error.is_empty() { "none given".to_owned() } else { group.error }}</a></td>
            <td data-label="Tasks">{group.tasks}</td>
            <td data-label="First"><Moment at=group.first_at/></td>
            <td data-label="Last"><Moment at=group.last_at/></td>
            {is_operator.then(|| view! { <td>{acts(&filter, "group")}</td> })}
        </tr>
    }
    .into_any()
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
