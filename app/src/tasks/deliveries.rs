use leptos::prelude::*;
use model::tasks::{DELIVERIES_AT_MOST, Delivery};
use uuid::Uuid;

use super::queries;
use crate::ui::Moment;

/// What was sent for the task and answered, the newest first; nothing for a task that sends nothing.
#[component]
pub fn Deliveries(id: Uuid) -> impl IntoView {
    let tries = queries::deliveries(id);
    let shown = move || {
        tries.get().map(|read| match read {
            Ok(tries) if !tries.is_empty() => view! { <Tries tries/> }.into_any(),
            // The task above says why it cannot be shown.
            _ => ().into_any(),
        })
    };
    view! { <Transition fallback=|| ()>{shown}</Transition> }
}

#[component]
fn Tries(tries: Vec<Delivery>) -> impl IntoView {
    let cut = (tries.len() == DELIVERIES_AT_MOST)
        .then(|| view! { <p class="field-help">"The newest "{DELIVERIES_AT_MOST}"; older ones are not shown."</p> });
    let rows = tries.into_iter().map(row).collect_view();
    view! {
        <section class="panel">
            <h2>"Deliveries"</h2>
            <table class="data-table">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Request"</th>
                        <th scope="col">"Answer"</th>
                        <th scope="col">"Took"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {cut}
        </section>
    }
}

fn row(one: Delivery) -> impl IntoView {
    let answer = match (one.status, one.error) {
        (Some(status), None) => status.to_string(),
        (_, error) => error.unwrap_or_default(),
    };
    view! {
        <tr>
            <td data-label="When"><Moment at=one.at/></td>
            <td data-label="Request">{one.method}" "{one.url}</td>
            <td data-label="Answer">{answer}{one.response.filter(|text| !text.is_empty()).map(body)}</td>
            <td data-label="Took">{one.duration_ms}" ms"</td>
        </tr>
    }
}

/// The start of what was answered.
fn body(text: String) -> AnyView {
    view! { <details><summary>"What it said"</summary><pre class="answer" tabindex="0">{text}</pre></details> }
        .into_any()
}
