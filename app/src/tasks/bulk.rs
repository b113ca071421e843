use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::page::COUNTED_AT_MOST;
use model::tasks::{Bulk, BulkAction};

use super::api::{SubmitBulkTasks, preview_bulk_tasks};
use super::filters::{self, hidden, list_address};
use super::queries;
use crate::auth::ForSignedIn;
use crate::ui::{Empty, Loading, Refusal, Refused, refusal_of};

/// What the address asks for; none when it names no action.
fn read(query: &ParamsMap) -> Option<Bulk> {
    let wanted = query.get("do")?;
    let action = BulkAction::ALL.into_iter().find(|one| one.name() == wanted)?;
    Some(Bulk { action, filter: filters::read(query), dry_run: true })
}

/// Says how many tasks an action is for, and does it at a second click.
#[component]
pub fn BulkTasksPage() -> impl IntoView {
    view! {
        <Title text="Change tasks"/>
        <ForSignedIn>
            <p><a href="/tasks">"All tasks"</a></p>
            <Ask/>
        </ForSignedIn>
    }
}

#[component]
fn Ask() -> impl IntoView {
    let query = use_query_map();
    let wish = Memo::new(move |_| query.with(read));
    let action = ServerAction::<SubmitBulkTasks>::new();
    let client = expect_context();
    // Told while it is on its way: the answer leads to the page of the task that does it, and this page is gone.
    Effect::new(move |_| {
        if action.pending().get() {
            queries::all_changed(&client);
        }
    });
    let shown = move || match wish.get() {
        Some(wish) => view! { <Preview wish action/> }.into_any(),
        None => view! { <h1>"Change tasks"</h1><Empty><p>"Nothing was chosen."</p></Empty> }.into_any(),
    };
    view! { <section class="narrow stack">{shown}</section> }
}

/// Heading, what it means, and the words on the button for one and for many.
fn words(action: BulkAction) -> (&'static str, &'static str, &'static str) {
    match action {
        BulkAction::Cancel => {
            ("Cancel tasks", "Those that wait end at once, those that run are told to stop.", "Cancel")
        }
        BulkAction::Retry => {
            ("Run tasks again", "They leave the dead letter, with their attempts counted anew.", "Run again:")
        }
        BulkAction::Delete => (
            "Delete tasks",
            "They are gone, with their results and errors. Tasks that wait for them are cancelled.",
            "Delete",
        ),
    }
}

#[component]
fn Preview(wish: Bulk, action: ServerAction<SubmitBulkTasks>) -> impl IntoView {
    let (heading, meaning, _) = words(wish.action);
    let asked = wish.clone();
    let only = filters::words(&wish.filter);
    // Not from the cache: it has to be true now.
    let preview = Resource::new(move || asked.clone(), preview_bulk_tasks);
    let shown = move || {
        preview.get().map(|read| match read {
            Ok(asked) => confirmation(&wish, asked.tasks.unwrap_or_default(), action),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <h1>{heading}</h1>
        <p>{meaning}</p>
        {(!only.is_empty()).then(|| view! { <p class="field-help">"Only: "{only}</p> })}
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

fn confirmation(wish: &Bulk, tasks: i64, action: ServerAction<SubmitBulkTasks>) -> AnyView {
    let back = list_address(&wish.filter);
    let count = match tasks {
        0 => {
            return view! { <Empty><p>"No task fits."</p><a class="btn" href=back>"Back to the list"</a></Empty> }
                .into_any();
        }
        1 => "1 task".to_owned(),
        COUNTED_AT_MOST.. => format!("{COUNTED_AT_MOST} tasks or more"),
        tasks => format!("{tasks} tasks"),
    };
    let variant = (wish.action != BulkAction::Retry).then_some("destructive");
    let label = format!("{} {count}", words(wish.action).2);
    let problem = refusal_of(action);
    let (name, filter) = (wish.action.name(), hidden(&wish.filter));
    view! {
        <ActionForm action=action attr:class="panel stack">
            <Refusal problem=problem/>
            <p><strong>{count}</strong>" that match now; what comes later is not meant. A worker does it in the background."</p>
            <input type="hidden" name="new[action]" value=name/>
            {filter}
            <div class="actions">
                <button class="btn" data-variant=variant type="submit" disabled=move || action.pending().get()>{label}</button>
                <a class="btn" data-variant="outline" href=back>"Back"</a>
            </div>
        </ActionForm>
    }
    .into_any()
}
