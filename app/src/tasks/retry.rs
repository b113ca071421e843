use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use model::Problem;
use model::problem::Thing;
use model::tasks::{TaskSeen, TaskStatus};
use uuid::Uuid;

use super::api::{RetryTask, get_task};
use super::queries;
use super::table::title_of;
use crate::auth::ForSignedIn;
use crate::ui::{Empty, Loading, Refusal, Refused, Submit, TextArea, id_in_address, refusal_of};

/// Runs a task of the dead letter again with another payload.
#[component]
pub fn RetryTaskPage() -> impl IntoView {
    let id = id_in_address();
    let shown = move || match id.get() {
        Some(id) => view! { <Change id/> }.into_any(),
        None => view! { <Refused problem=Problem::NotFound { what: Thing::Task }/> }.into_any(),
    };
    view! {
        <Title text="Change payload"/>
        <ForSignedIn>{shown}</ForSignedIn>
    }
}

#[component]
fn Change(id: Uuid) -> impl IntoView {
    // Not from the cache: what is typed must stay when the task is read again.
    let task = Resource::new(move || id, get_task);
    let action = ServerAction::<RetryTask>::new();
    let client = expect_context();
    Effect::new(move |_| {
        if action.pending().get() {
            queries::changed(&client, id);
        }
    });
    let shown = move || {
        task.get().map(|read| match read {
            Ok(seen) => form(seen, action),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <p><a href=format!("/tasks/{id}")>"Back to the task"</a></p>
        <section class="narrow stack">
            <h1>"Change payload"</h1>
            <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
        </section>
    }
}

fn form(TaskSeen { task, .. }: TaskSeen, action: ServerAction<RetryTask>) -> AnyView {
    if task.status != TaskStatus::Failed {
        return view! { <Empty><p>"The task is not in the dead letter, so there is nothing to run again."</p></Empty> }
            .into_any();
    }
    let problem = refusal_of(action);
    let payload = serde_json::to_string_pretty(&task.payload).unwrap_or_default();
    let title = title_of(&task.task_type);
    view! {
        <ActionForm action=action attr:class="panel stack">
            <p>{title}": the same task, with its attempts counted anew and this payload. The audit log names who changed it."</p>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=task.id.to_string()/>
            <TextArea field="payload" label="Payload (JSON)" rows=12 initial=payload problem=problem/>
            <Submit label="Run again with this payload" pending=action.pending()/>
        </ActionForm>
    }
    .into_any()
}
