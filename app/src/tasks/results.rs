use leptos::prelude::*;
use model::tasks::TaskKind;
use serde_json::Value;
use uuid::Uuid;

use crate::ui::Values;

/// What a task returned, in the way that suits its kind.
#[component]
pub fn ResultView(id: Uuid, task_type: String, mut result: Value) -> impl IntoView {
    let more = match TaskKind::by_name(&task_type) {
        Some(TaskKind::Webhook) => taken(&mut result, "body").map(|body| answer(body).into_any()),
        Some(TaskKind::ReportGeneration) => taken(&mut result, "file").map(|name| file(id, name).into_any()),
        Some(TaskKind::DataProcessing) => result.as_object_mut().and_then(|all| all.remove("groups")).map(groups),
        _ => None,
    };
    view! {
        <Values title="Result" value=result/>
        {more}
    }
}

/// A text that is shown apart.
fn taken(result: &mut Value, name: &str) -> Option<String> {
    match result.as_object_mut()?.remove(name)? {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn answer(body: String) -> impl IntoView {
    view! {
        <section class="panel">
            <h2>"Answer"</h2>
            <pre class="answer" tabindex="0">{body}</pre>
        </section>
    }
}

/// A plain link: the browser saves what it leads to.
fn file(id: Uuid, name: String) -> impl IntoView {
    let saved_as = name.clone();
    view! {
        <section class="panel">
            <h2>"File"</h2>
            <p><a href=format!("/api/v1/tasks/{id}/file") rel="external" download=saved_as>{name}</a></p>
        </section>
    }
}

/// The figures of each group.
fn groups(groups: Value) -> AnyView {
    view! { <Values title="Groups" value=groups/> }.into_any()
}
