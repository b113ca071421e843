use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use model::Problem;
use model::problem::Thing;
use model::rbac::{Action, Relation, allowed};
use model::tasks::{Missed, Schedule};
use model::users::Role;
use uuid::Uuid;

use super::api::{DeleteSchedule, SubmitTimes, get_schedule};
use super::queries;
use super::table::title_of;
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{Loading, Moment, Refusal, Refused, SelectField, Submit, TextField, Values, id_in_address, refusal_of};

/// When a schedule comes, and what it queues.
#[component]
pub fn SchedulePage() -> impl IntoView {
    let id = id_in_address();
    let shown = move || match id.get() {
        Some(id) => view! { <Shown id/> }.into_any(),
        None => view! { <Refused problem=Problem::NotFound { what: Thing::Schedule }/> }.into_any(),
    };
    view! {
        <Title text="Schedule"/>
        <ForSignedIn>
            <p><a href="/tasks/overview">"Overview of the queue"</a></p>
            {shown}
        </ForSignedIn>
    }
}

/// What can be done with it.
#[derive(Clone, Copy)]
struct Forms {
    times: ServerAction<SubmitTimes>,
    delete: ServerAction<DeleteSchedule>,
}

#[component]
fn Shown(id: Uuid) -> impl IntoView {
    let CurrentUser(reader) = expect_context();
    // Not from the cache: what is typed must stay when schedules are read again.
    let read = Resource::new(move || id, get_schedule);
    let forms = Forms { times: ServerAction::new(), delete: ServerAction::new() };
    let client = expect_context();
    Effect::new(move |_| {
        if forms.times.pending().get() || forms.delete.pending().get() {
            queries::lists_changed(&client);
        }
    });
    let shown = move || {
        read.get().map(|read| match read {
            Ok(schedule) => filled(schedule, reader.role, forms),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! { <Transition fallback=|| view! { <Loading/> }>{shown}</Transition> }
}

/// Those of the program are for administrators.
pub(super) fn may_change(schedule: &Schedule, role: Role) -> bool {
    schedule.created_by.is_some() || allowed(role, Action::ManageMaintenance, Relation::Other)
}

fn filled(schedule: Schedule, role: Role, forms: Forms) -> AnyView {
    let is_open = may_change(&schedule, role);
    let is_own = schedule.created_by.is_some();
    let id = schedule.id;
    view! {
        <article class="narrow stack">
            <h1>{schedule.name.clone()}</h1>
            <dl class="kv panel">
                <dt>"Queues"</dt><dd>{title_of(&schedule.task_type)}</dd>
                <dt>"Next run"</dt><dd>{next_run(&schedule)}</dd>
                {schedule.last_at.map(|at| view! { <dt>"Last run"</dt><dd><Moment at/></dd> })}
            </dl>
            <Values title="Payload" value=schedule.payload.clone()/>
            {if is_open {
                view! { <TimesForm schedule action=forms.times/> }.into_any()
            } else {
                view! { <p class="notice">"This schedule belongs to the program. Administrators can change it."</p> }.into_any()
            }}
            {is_own.then(|| view! { <DeleteForm id action=forms.delete/> })}
        </article>
    }
    .into_any()
}

/// When it comes again.
pub(super) fn next_run(schedule: &Schedule) -> AnyView {
    match (schedule.is_paused, schedule.next_at) {
        (true, _) => "paused".into_any(),
        (false, Some(at)) => view! { <Moment at/> }.into_any(),
        (false, None) => "never".into_any(),
    }
}

#[component]
fn TimesForm(schedule: Schedule, action: ServerAction<SubmitTimes>) -> impl IntoView {
    let problem = refusal_of(action);
    let choices = Missed::ALL.map(|missed| (missed.name(), words(missed))).into();
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"When"</h2>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=schedule.id.to_string()/>
            <TextField field="cron" label="Cron" autocomplete="off" initial=schedule.cron problem=problem
                help="Minute, hour, day, month, weekday; or six fields, with seconds first. 0 4 * * 1 is Mondays at four."/>
            <TextField field="time_zone" label="Time zone" autocomplete="off" initial=schedule.time_zone problem=problem
                help="A name of the IANA time zone database, such as Europe/Berlin."/>
            <SelectField field="missed" label="Times that were missed" choices initial=schedule.missed.name() problem=problem
                help="What happens to the times that passed while no worker ran."/>
            <Submit label="Change schedule" pending=action.pending()/>
        </ActionForm>
    }
}

fn words(missed: Missed) -> &'static str {
    match missed {
        Missed::Skip => "are left out",
        Missed::Once => "make one task",
        Missed::All => "make a task each, up to 100",
    }
}

#[component]
fn DeleteForm(id: Uuid, action: ServerAction<DeleteSchedule>) -> impl IntoView {
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"Deletion"</h2>
            <p>"Nothing is queued by it any more. Tasks that it has queued stay."</p>
            <Refusal problem=refusal_of(action)/>
            <input type="hidden" name="id" value=id.to_string()/>
            <button class="btn" data-variant="destructive" type="submit" disabled=move || action.pending().get()>"Delete schedule"</button>
        </ActionForm>
    }
}
