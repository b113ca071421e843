//! The filter of the list in the address of the page, and its form.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use model::rbac::{Action, Relation, allowed};
use model::tasks::{Priority, TaskFilter, TaskKind, TaskStatus, read_moment};

use super::columns::{Choice, Column};
use super::table::title_of;
use crate::auth::CurrentUser;

/// The form of a moment in the address, as `datetime-local` sends it; UTC.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S";

/// What the address asks for; a value that means nothing is taken for none.
pub(super) fn read(query: &ParamsMap) -> TaskFilter {
    let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let moment = |name: &str| text(name).and_then(|text| read_moment(&text).ok().flatten());
    TaskFilter {
        task_type: text("type"),
        status: text("status").and_then(|name| TaskStatus::ALL.into_iter().find(|one| one.name() == name)),
        priority: text("priority").and_then(|name| Priority::ALL.into_iter().find(|one| one.name() == name)),
        owner: text("owner"),
        from: moment("from"),
        to: moment("to"),
        text: text("text"),
        error: text("error"),
    }
}

/// Names and values of a filter, as they stand in addresses and forms.
fn pairs(filter: &TaskFilter) -> impl Iterator<Item = (&'static str, String)> {
    let moment = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.format(MOMENT).to_string());
    [
        ("status", filter.status.map(|status| status.name().to_owned())),
        ("type", filter.task_type.clone()),
        ("priority", filter.priority.map(|priority| priority.name().to_owned())),
        ("owner", filter.owner.clone()),
        ("from", moment(filter.from)),
        ("to", moment(filter.to)),
        ("text", filter.text.clone()),
        ("error", filter.error.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

/// The address of a page with this filter, and with what else is to stand in it.
pub(super) fn address(page: &str, filter: &TaskFilter, more: &[(&'static str, String)]) -> String {
    let mut query = ParamsMap::new();
    for (name, value) in pairs(filter).chain(more.iter().cloned()) {
        query.insert(name, value);
    }
    format!("{page}{}", query.to_query_string())
}

/// The address of the list.
pub(super) fn list_address(filter: &TaskFilter) -> String {
    address("/tasks", filter, &[])
}

/// The filter as unseen inputs of a form that acts on all that it leaves, by the names that the API has.
pub(super) fn hidden(filter: &TaskFilter) -> Vec<AnyView> {
    let rfc = |name: &'static str, at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| (name, at.to_rfc3339()));
    let named = pairs(filter).filter(|(name, _)| !matches!(*name, "from" | "to"));
    let named = named.map(|(name, value)| (if name == "type" { "task_type" } else { name }, value));
    named
        .chain(rfc("from", filter.from))
        .chain(rfc("to", filter.to))
        .map(|(name, value)| view! { <input type="hidden" name=format!("new[{name}]") value=value/> }.into_any())
        .collect()
}

/// The filter in words; empty when it leaves everything.
pub(super) fn words(filter: &TaskFilter) -> String {
    let words: Vec<_> = pairs(filter).map(|(name, value)| format!("{name} {value}")).collect();
    words.join(", ")
}

fn choice(id: &'static str, label: &'static str, choices: Vec<(String, String)>, chosen: Option<String>) -> AnyView {
    let options = choices.into_iter().map(|(value, words)| {
        let selected = chosen.as_ref() == Some(&value);
        view! { <option value=value selected=selected>{words}</option> }
    });
    view! {
        <div>
            <label for=id>{label}</label>
            <select class="select" id=id name=id>
                <option value="">"all"</option>
                {options.collect_view()}
            </select>
        </div>
    }
    .into_any()
}

fn input(id: &'static str, label: &'static str, kind: &'static str, value: Option<String>) -> AnyView {
    let step = (kind == "datetime-local").then_some("1");
    view! {
        <div>
            <label for=id>{label}</label>
            <input class="input" id=id name=id type=kind value=value step=step maxlength="200"/>
        </div>
    }
    .into_any()
}

/// A plain GET form: choosing and pressing the button is all it takes, also without JavaScript.
#[component]
pub(super) fn Filters(filter: TaskFilter, columns: Vec<Column>) -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let sees_all = allowed(user.role, Action::ReadTask, Relation::Other);
    let word = |name: &'static str| (name.to_owned(), name.to_owned());
    let states = TaskStatus::ALL.map(|status| word(status.name()));
    let priorities = Priority::ALL.map(|priority| word(priority.name()));
    let mut kinds: Vec<_> = TaskKind::ALL.map(|kind| (kind.name().to_owned(), kind.title().to_owned())).into();
    if let Some(other) = filter.task_type.clone().filter(|name| TaskKind::by_name(name).is_none()) {
        kinds.push((other.clone(), title_of(&other)));
    }
    let value = |wanted: &str| pairs(&filter).find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let is_more = ["priority", "owner", "from", "to", "text", "error"].iter().any(|name| value(name).is_some());
    view! {
        <form class="filters" method="get" action="/tasks" role="search" aria-label="Filter tasks">
            {choice("status", "State", states.into(), value("status"))}
            {choice("type", "Kind", kinds, value("type"))}
            <details class="more" open=is_more>
                <summary>"More filters"</summary>
                <div class="filters">
                    {choice("priority", "Priority", priorities.into(), value("priority"))}
                    {sees_all.then(|| input("owner", "Owner", "text", value("owner")))}
                    {input("from", "Created from (UTC)", "datetime-local", value("from"))}
                    {input("to", "Created before (UTC)", "datetime-local", value("to"))}
                    {input("text", "Text in payload or error", "search", value("text"))}
                    {value("error").map(|error| input("error", "Error", "search", Some(error)))}
                </div>
            </details>
            <Choice shown=columns role=user.role/>
            <button class="btn" data-variant="outline" type="submit">"Filter"</button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_its_address() {
        let at = chrono::DateTime::from_timestamp(1_700_000_000, 0);
        let filter = TaskFilter {
            task_type: Some("webhook".into()),
            status: Some(TaskStatus::Failed),
            priority: Some(Priority::High),
            owner: Some("Ada & Bob".into()),
            from: at,
            to: at,
            text: Some("100%".into()),
            error: Some("No route to #".into()),
        };
        let address = address("/tasks", &filter, &[]);
        let url = leptos_router::location::RequestUrl::new(&address).parse().expect("an address");
        assert_eq!(read(url.search_params()), filter);
    }
}
