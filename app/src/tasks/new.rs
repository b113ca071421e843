use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::Problem;
use model::tasks::{Control, FormField, Priority, TaskKind};

use super::api::CreateTask;
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{Checkbox, Refusal, SelectField, Submit, TextArea, TextField, refusal_of};

/// The form for a new task: first the kind, then the kind's own fields.
#[component]
pub fn NewTaskPage() -> impl IntoView {
    let query = use_query_map();
    let kind = Memo::new(move |_| {
        let named = query.with(|query| query.get("kind")).and_then(|name| TaskKind::by_name(&name));
        named.unwrap_or(TaskKind::DelayTask)
    });
    view! {
        <Title text="New task"/>
        <ForSignedIn>
            <section class="narrow">
                <h1>"New task"</h1>
                {move || view! { <Kinds chosen=kind.get()/> }}
                {move || view! { <KindForm kind=kind.get()/> }}
            </section>
        </ForSignedIn>
    }
}

/// Links, not a script: each kind's form has an address.
#[component]
fn Kinds(chosen: TaskKind) -> impl IntoView {
    let link = move |kind: TaskKind| {
        let current = (kind == chosen).then_some("page");
        view! { <a href=format!("/tasks/new?kind={}", kind.name()) aria-current=current>{kind.title()}</a> }
    };
    let role = expect_context::<CurrentUser>().0.role;
    view! { <nav class="tabs" aria-label="Kind of task">{TaskKind::open_to(role).map(link).collect_view()}</nav> }
}

#[component]
fn KindForm(kind: TaskKind) -> impl IntoView {
    let action = ServerAction::<CreateTask>::new();
    let problem = refusal_of(action);
    let fields = kind.fields().iter().map(|field| view! { <PayloadField field problem/> }).collect_view();
    let priorities = Priority::ALL.map(|priority| (priority.name(), priority.name())).into();
    view! {
        <ActionForm action=action attr:class="panel stack">
            <p>{kind.description()}</p>
            <Refusal problem=problem unseen=("task_type", "This kind of task")/>
            <input type="hidden" name="new[task_type]" value=kind.name()/>
            {fields}
            <SelectField field="priority" label="Priority" choices=priorities initial=Priority::Normal.name() problem=problem/>
            <TextField field="scheduled_at" label="Start (UTC)" kind="datetime-local" required=false problem=problem
                help="Optional. Empty means at once."/>
            <Submit label="Queue task" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn PayloadField(field: &'static FormField, problem: Memo<Option<Problem>>) -> impl IntoView {
    let FormField { path, label, help, required, initial, limit, .. } = *field;
    match field.control {
        Control::Number { min, max } => {
            view! { <TextField field=path label help required initial kind="number" range=(min, max) problem/> }
                .into_any()
        }
        Control::Moment => {
            view! { <TextField field=path label help required initial kind="datetime-local" problem/> }.into_any()
        }
        Control::Choice(choices) => {
            view! { <SelectField field=path label help initial choices=choices.to_vec() problem/> }.into_any()
        }
        Control::Text(kind) => {
            view! { <TextField field=path label help required initial kind limit=limit problem/> }.into_any()
        }
        Control::Flag => view! { <Checkbox field=path label help/> }.into_any(),
        Control::Numbers | Control::Lines | Control::Json | Control::Headers => {
            view! { <TextArea field=path label help required limit=limit problem/> }.into_any()
        }
    }
}
