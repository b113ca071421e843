//! The queue as operators see it: whether it is healthy, how the last hours went, and what can be done about it.

mod graphs;
mod tables;

use leptos::ev::MouseEvent;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::tasks::{Operations, Period, QueueAction, QueueSeen};

use super::api::SubmitQueueCommand;
use super::{nav, queries};
use crate::auth::ForSignedIn;
use crate::cached::derived;
use crate::error::ApiError;
use crate::ui::{Done, Loading, Refusal, Refused, Submit, TextField, duration, refusal_of};

/// The overview; the period of its graphs is in the address.
#[component]
pub fn OverviewPage() -> impl IntoView {
    view! {
        <Title text="Queue"/>
        <ForSignedIn>
            {nav("Queue", "/tasks/overview")}
            <Done/>
            <Overview/>
        </ForSignedIn>
    }
}

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shared {
    seen: Signal<Option<Operations>>,
    command: ServerAction<SubmitQueueCommand>,
    period: Memo<Period>,
}

impl Shared {
    /// A part of what was read last; a default one before anything was.
    fn part<T: Default + 'static>(self, take: impl Fn(&Operations) -> T + Send + Sync + 'static) -> impl Fn() -> T {
        move || self.seen.with(|seen| seen.as_ref().map(&take).unwrap_or_default())
    }
}

#[component]
fn Overview() -> impl IntoView {
    let query = use_query_map();
    // Counted, because the query cache still asks for the key when the page has already been left.
    let key = ArcMemo::new(move |_| {
        let named = query.with(|query| query.get("period"));
        Period::ALL.into_iter().find(|one| Some(one.names().0) == named.as_deref()).unwrap_or_default()
    });
    let period = Memo::from(key.clone());
    let command = ServerAction::<SubmitQueueCommand>::new();
    let client = expect_context();
    Effect::new(move |_| {
        if command.version().get() > 0 {
            queries::lists_changed(&client);
        }
    });
    let read = queries::queue(move || key.get());
    let problem = refusal_of(command);
    view! {
        <Refusal problem=problem/>
        <Pausing command period/>
        <Transition fallback=|| view! { <Loading/> }><Filled read command period/></Transition>
    }
}

/// Stands still while its values change: whoever points at a graph, or has the focus in a table, keeps it.
#[component]
fn Filled(
    read: Resource<Result<Operations, ApiError>>,
    command: ServerAction<SubmitQueueCommand>,
    period: Memo<Period>,
) -> impl IntoView {
    let state = derived(move |_| read.get().map(Result::err));
    let seen = derived(move |_| read.get().and_then(Result::ok));
    let shared = Shared { seen, command, period };
    move || {
        state.get().map(|refused| match refused {
            Some(error) => view! { <Refused problem=error.0/> }.into_any(),
            None => view! {
                {verdict(shared)}
                {figures(shared)}
                {graphs::graphs(shared)}
                {tables::types(shared)}
                {tables::hosts(shared)}
                {tables::workers(shared)}
                {tables::schedules(shared)}
            }
            .into_any(),
        })
    }
}

/// Whether all is well, and if not, what is not.
fn verdict(shared: Shared) -> AnyView {
    let complaints = Memo::new(move |_| shared.part(|all| all.seen.complaints())());
    let shown = move || {
        let complaints = complaints.get();
        if complaints.is_empty() {
            return view! { <p class="notice" data-health="good">"The queue is healthy."</p> }.into_any();
        }
        let rows = complaints.into_iter().map(|one| view! { <li>{one}</li> }).collect_view();
        view! { <ul class="notice" data-tone="warn" data-health="bad">{rows}</ul> }.into_any()
    };
    view! { <div role="status">{shown}</div> }.into_any()
}

/// A number, its name, and what it means.
fn figure(shared: Shared, name: &'static str, hint: &'static str, words: fn(&QueueSeen) -> String) -> AnyView {
    let value = shared.part(move |all| words(&all.seen));
    view! { <div class="stat"><span>{name}</span><strong>{value}</strong><small>{hint}</small></div> }.into_any()
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), duration)
}

fn figures(shared: Shared) -> AnyView {
    view! {
        <section class="grid-cards" data-small="3" aria-label="Health">
            {figure(shared, "Ready", "up to 1000 of each lane", |seen| seen.lanes.iter().map(|lane| lane.ready).sum::<i64>().to_string())}
            {figure(shared, "Oldest ready", "has been waiting", |seen| seconds(seen.oldest_ready_seconds()))}
            {figure(shared, "Running", "in all workers", |seen| seen.workers.iter().map(|one| one.running).sum::<i32>().to_string())}
            {figure(shared, "Workers", "with a lease", |seen| seen.workers.iter().filter(|one| one.lease_seconds >= 0.0).count().to_string())}
            {figure(shared, "Given up", "in the dead letter, up to 10,000 of a type", |seen| seen.dead.iter().map(|one| one.tasks).sum::<i64>().to_string())}
            {figure(shared, "Bell", "from a call for work to its being heard", |seen| seconds(seen.health.bell_seconds))}
            {figure(shared, "Dead rows · vacuumed", "of live tasks · ago", |seen| {
                format!("{} · {}", seen.health.dead_rows, seconds(seen.health.vacuumed_seconds))
            })}
            {figure(shared, "Oldest snapshot", "transactions ago", |seen| {
                seen.health.oldest_xmin_age.map_or_else(|| "–".to_owned(), |age| age.to_string())
            })}
            {figure(shared, "Oldest transaction", "has been open", |seen| seconds(seen.health.oldest_transaction_seconds))}
        </section>
    }
    .into_any()
}

/// The form for the reason, when the address says which type is to be paused. Apart from the table, so that what is typed stays.
#[component]
fn Pausing(command: ServerAction<SubmitQueueCommand>, period: Memo<Period>) -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| query.with(|query| query.get("pause")));
    let problem = refusal_of(command);
    move || {
        wanted.get().map(|name| {
            view! {
                <ActionForm action=command attr:class="panel stack" attr:aria-label="Pause">
                    <h2>"Pause "{name.clone()}</h2>
                    {inputs(QueueAction::Pause, name, period)}
                    <TextField field="reason" label="Reason" problem=problem help="For others to read, here and in the audit log. Tasks are taken, and wait."/>
                    <div class="actions">
                        <Submit label="Pause" pending=command.pending()/>
                        <a class="btn" data-variant="outline" href=move || address(period.get(), None)>"Back"</a>
                    </div>
                </ActionForm>
            }
        })
    }
}

/// The address of the overview, with the form for pausing a type or without.
fn address(period: Period, pause: Option<&str>) -> String {
    let mut query = leptos_router::params::ParamsMap::new();
    query.insert("period", period.names().0.to_owned());
    if let Some(name) = pause {
        query.insert("pause", name.to_owned());
    }
    format!("/tasks/overview{}", query.to_query_string())
}

fn inputs(action: QueueAction, subject: String, period: Memo<Period>) -> AnyView {
    view! {
        <input type="hidden" name="new[action]" value=action.name()/>
        <input type="hidden" name="new[subject]" value=subject/>
        <input type="hidden" name="new[period]" value=move || format!("{:?}", period.get()).to_lowercase()/>
    }
    .into_any()
}

/// What a button is known by: one that takes another's place, such as *Resume* that of *Pause*, has its id, and so the focus.
fn button_id(action: QueueAction, subject: &str) -> String {
    let place = match action {
        QueueAction::Pause | QueueAction::Resume | QueueAction::PauseSchedule | QueueAction::ResumeSchedule => "hold",
        QueueAction::OpenBreaker | QueueAction::CloseBreaker => "breaker",
        QueueAction::FreeBreaker => "free",
        QueueAction::RunSchedule => "run",
    };
    format!("{place}-{subject}")
}

/// A form of one button. While a command is on its way it does nothing, but is not disabled: that would take the focus from it.
fn button(shared: Shared, action: QueueAction, subject: String, label: &'static str, of: &str) -> AnyView {
    let Shared { command, period, .. } = shared;
    let of = of.to_owned();
    let id = button_id(action, &subject);
    let waits = move || command.pending().get();
    let once = move |event: MouseEvent| {
        if command.pending().get_untracked() {
            event.prevent_default();
        }
    };
    view! {
        <ActionForm action=command>
            {inputs(action, subject, period)}
            <button id=id class="btn" data-variant="outline" data-size="sm" type="submit" aria-disabled=move || waits().then_some("true") on:click=once>
                {label}<span class="sr-only">" "{of}</span>
            </button>
        </ActionForm>
    }
    .into_any()
}
