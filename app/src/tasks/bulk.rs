use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::page::{self, COUNTED_AT_MOST};
use model::tasks::{Bulk, BulkAction, BulkAsked};
use uuid::Uuid;

use super::api::{SubmitBulkTasks, preview_bulk_tasks};
use super::filters::{self, address, hidden, list_address};
use super::queries;
use crate::auth::ForSignedIn;
use crate::cached::derived;
use crate::ui::{Empty, Loading, Refusal, Refused, refusal_of};

/// Parts that are counted one after the other; then a link goes on, so that nobody reads millions because a page stands open.
const PARTS_AT_MOST: u32 = 100;

/// What the address asks for; none when it names no action.
fn read(query: &ParamsMap) -> Option<Bulk> {
    let wanted = query.get("do")?;
    let action = BulkAction::ALL.into_iter().find(|one| one.name() == wanted)?;
    let filter = filters::read(query);
    let after = query.get("after").and_then(|id| id.parse().ok()).filter(|_| filter.text.is_some());
    Some(Bulk { action, filter, dry_run: true, after })
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
        BulkAction::RunNow => {
            ("Run tasks now", "Those that wait for their next attempt make it at once; attempts count on.", "Run now:")
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
    let only = filters::words(&wish.filter);
    let begins_at = wish.after;
    // What has been counted before the part that is read now, and where that begins.
    let before = RwSignal::new(BulkAsked { dry_run: true, tasks: None, next: begins_at, task_id: None });
    let parts = StoredValue::new(1);
    let asked = wish.clone();
    // Not from the cache: it has to be true now.
    let read = Resource::new(
        move || before.get(),
        move |before| {
            let wish = Bulk { after: before.next, ..asked.clone() };
            async move { preview_bulk_tasks(wish).await.map(|found| added(before, found)) }
        },
    );
    let counted =
        move || Counted { found: read.get().and_then(Result::ok).unwrap_or(before.get_untracked()), begins_at };
    // Only in a browser; without JavaScript a link goes on.
    let is_counting = RwSignal::new(false);
    Effect::new(move |_| {
        let Counted { found, .. } = counted();
        if found == before.get_untracked() {
            return;
        }
        let goes_on = found.next.is_some() && found.tasks < Some(COUNTED_AT_MOST) && parts.get_value() < PARTS_AT_MOST;
        is_counting.set(goes_on);
        if goes_on {
            parts.update_value(|parts| *parts += 1);
            before.set(found);
        }
    });
    // Stands still while the count goes up.
    let state = derived(move |_| read.get().map(|read| read.map(|found| Counted { found, begins_at }.is_none())));
    let shown = move || {
        state.get().map(|read| match read {
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
            Ok(true) => {
                let back = list_address(&wish.filter);
                view! { <Empty><p>"No task fits."</p><a class="btn" href=back>"Back to the list"</a></Empty> }
                    .into_any()
            }
            Ok(false) => confirmation(&wish, counted, is_counting, action),
        })
    };
    view! {
        <h1>{heading}</h1>
        <p>{meaning}</p>
        {(!only.is_empty()).then(|| view! { <p class="field-help">"Only: "{only}</p> })}
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

/// One part more of what an action is for.
fn added(before: BulkAsked, found: BulkAsked) -> BulkAsked {
    BulkAsked { tasks: Some(before.tasks.unwrap_or_default() + found.tasks.unwrap_or_default()), ..found }
}

/// How many tasks an action is for, as far as they are counted: a text is looked for in parts.
#[derive(Clone, Copy)]
struct Counted {
    found: BulkAsked,
    /// Where counting began, when that was not the newest task.
    begins_at: Option<Uuid>,
}

impl Counted {
    fn tasks(self) -> i64 {
        self.found.tasks.unwrap_or_default()
    }

    /// Whether there may be more than were counted.
    fn is_part(self) -> bool {
        self.found.next.is_some() || self.begins_at.is_some() || self.tasks() >= COUNTED_AT_MOST
    }

    fn is_none(self) -> bool {
        self.tasks() == 0 && !self.is_part()
    }

    fn words(self) -> String {
        let words = page::counted(self.tasks(), "task");
        if self.is_part() && self.tasks() < COUNTED_AT_MOST { words + " or more" } else { words }
    }
}

fn confirmation(
    wish: &Bulk,
    counted: impl Fn() -> Counted + Copy + Send + 'static,
    is_counting: RwSignal<bool>,
    action: ServerAction<SubmitBulkTasks>,
) -> AnyView {
    let Bulk { action: wanted, filter, .. } = wish.clone();
    let variant = matches!(wanted, BulkAction::Cancel | BulkAction::Delete).then_some("destructive");
    let problem = refusal_of(action);
    let (name, hidden, back) = (wanted.name(), hidden(&filter), list_address(&filter));
    let label = move || {
        let counted = counted();
        let which = if counted.is_part() { "all that match".to_owned() } else { counted.words() };
        format!("{} {which}", words(wanted).2)
    };
    let further = move || {
        if is_counting.get() {
            return Some(view! { <p class="field-help">"Counting…"</p> }.into_any());
        }
        let next = counted().found.next?;
        let more = [("do", wanted.name().to_owned()), ("after", next.to_string())];
        let href = address("/tasks/bulk", &filter, &more);
        Some(view! { <p><a href=href>"Look through older ones"</a></p> }.into_any())
    };
    view! {
        <ActionForm action=action attr:class="panel stack">
            <Refusal problem=problem/>
            // Read aloud when all are counted.
            <p role="status" aria-busy=move || is_counting.get().to_string()>
                <strong>{move || counted().words()}</strong>
                " that match now; what comes later is not meant. A worker does it in the background."
            </p>
            {further}
            <input type="hidden" name="new[action]" value=name/>
            {hidden}
            <div class="actions">
                <button class="btn" data-variant=variant type="submit" disabled=move || action.pending().get()>{label}</button>
                <a class="btn" data-variant="outline" href=back>"Back"</a>
            </div>
        </ActionForm>
    }
    .into_any()
}
