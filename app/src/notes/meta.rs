use leptos::prelude::*;
use model::notes::{Note, Part};
use model::rbac::Relation;

use crate::ui::Moment;

/// A line about a note: whose it is, who sees it, and when it was changed.
#[component]
pub(super) fn Meta(note: Note) -> impl IntoView {
    let whose = (note.relation != Relation::Own).then(|| view! { <span>"by "{note.username.clone()}</span> });
    let may = match note.relation {
        Relation::SharedWrite => Some("shared, you may write"),
        Relation::SharedRead => Some("shared, you may read"),
        _ => None,
    };
    let open = match (&note.hidden_reason, note.is_public) {
        (Some(_), _) => Some(("hidden", "destructive")),
        (None, true) => Some(("public", "secondary")),
        (None, false) => None,
    };
    let badge = |(words, variant): (&'static str, &'static str)| view! { <span class="badge" data-variant=variant>{words}</span> };
    view! {
        <p class="note-meta">
            {whose}
            {may.map(|words| badge((words, "outline")))}
            {open.map(badge)}
            <Moment at=note.updated_at/>
        </p>
    }
}

/// Text in which some words are marked.
pub(super) fn marked(parts: Vec<Part>) -> impl IntoView {
    parts
        .into_iter()
        .map(|part| match part.is_match {
            true => view! { <mark>{part.text}</mark> }.into_any(),
            false => view! { <span>{part.text}</span> }.into_any(),
        })
        .collect_view()
}
