use leptos::prelude::*;
use model::tasks::{AttemptError, DeadReason};

use crate::ui::Moment;

/// Why nothing happens to the task by itself any more, and what a person can do.
#[component]
pub fn DeadLetter(reason: DeadReason) -> impl IntoView {
    let why = match reason {
        DeadReason::Exhausted => "Every attempt has failed, and none is left.",
        DeadReason::Fatal => "The attempt found that it can never succeed.",
        DeadReason::Poison => "Its workers died while they ran it, again and again.",
        DeadReason::Undecodable => "Its payload cannot be read.",
    };
    view! {
        <section class="notice" data-tone="error" data-reason=format!("{reason:?}").to_lowercase()>
            <h2>"In the dead letter"</h2>
            <p>{why}" It stays as it is until somebody runs it again or deletes it."</p>
        </section>
    }
}

/// Every attempt that failed, the latest first; on a phone each is a card.
#[component]
pub fn FailedAttempts(errors: Vec<AttemptError>) -> impl IntoView {
    let rows = errors.into_iter().rev().map(row).collect_view();
    view! {
        <section class="panel">
            <h2>"Failed attempts"</h2>
            <table class="data-table">
                <thead>
                    <tr>
                        <th scope="col">"Attempt"</th>
                        <th scope="col">"When"</th>
                        <th scope="col">"What happened"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

fn row(failed: AttemptError) -> impl IntoView {
    view! {
        <tr>
            <td data-label="Attempt">{failed.attempt}</td>
            <td data-label="When"><Moment at=failed.at/></td>
            <td data-label="What happened">{failed.error}{failed.trace.map(trace)}</td>
        </tr>
    }
}

/// Where it failed, for the few who are shown that.
fn trace(text: String) -> AnyView {
    view! { <details><summary>"Trace"</summary><pre class="answer" tabindex="0">{text}</pre></details> }.into_any()
}
