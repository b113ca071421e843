use leptos::prelude::*;
use model::Problem;
use model::notes::{Note, NoteInput, NoteLimits};
use model::rbac::Relation;
use uuid::Uuid;

use super::api::CreateNote;
use super::queries;
use crate::auth::CurrentUser;
use crate::ui::{AtOnceForm, Ends, Refusal, SelectField, Submit, TextArea, TextField, Typed};

/// The inputs of a note, for a new one and for one that is changed.
#[component]
pub(super) fn NoteFields(
    #[prop(optional, into)] title: String,
    #[prop(optional, into)] content: String,
    /// None leaves the choice out: it is the owner's.
    is_public: Option<bool>,
    problem: Memo<Option<Problem>>,
) -> impl IntoView {
    let limits: NoteLimits = expect_context();
    let choices = vec![("false", "me and those I share it with"), ("true", "everybody who is signed in")];
    let public = is_public.map(|is_public| {
        let initial = if is_public { "true" } else { "false" };
        view! { <SelectField field="is_public" label="Who may read it" choices initial problem/> }
    });
    view! {
        <TextField field="title" label="Title" autocomplete="off" initial=title limit=limits.title_length problem/>
        <TextArea form="note" field="content" label="Text" initial=content required=false rows=12 limit=limits.content_length problem help="Markdown: # heading, *emphasis*, - list, [link](https://…)"/>
        {public}
    }
}

/// The form for a new note, folded away above the list. The note is in the list at once.
#[component]
pub(super) fn NewNote() -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let create = queries::at_once(
        Ends { done: "The note was created.", refused: "The note was not created." },
        None,
        || vec![queries::own_list()],
        move |wish: &CreateNote, page| {
            page.items.insert(0, expected(wish, user.id, &user.username));
            page.total += 1;
        },
    );
    let problem = create.refusal();
    let written = Memo::new(move |count: Option<&usize>| {
        let is_written = create.action.value().with(|answer| matches!(answer, Some(Ok(_))));
        count.copied().unwrap_or_default() + usize::from(is_written)
    });
    // Drawn anew after each note that was written, so that it is empty and closed again.
    move || {
        written.get();
        let was_refused = use_context::<Typed>().is_some();
        view! {
            <details class="panel" open=was_refused>
                <summary>"New note"</summary>
                <AtOnceForm deed=create attr:class="stack">
                    <Refusal problem/>
                    <NoteFields is_public=Some(false) problem/>
                    <Submit label="Create note" pending=create.pending()/>
                </AtOnceForm>
            </details>
        }
    }
}

/// The note as it will be; without an id and a time, because the server gives them.
fn expected(wish: &CreateNote, user_id: Uuid, username: &str) -> Note {
    let (created_at, updated_at) = Default::default();
    let NoteInput { title, content: _, is_public, version: _ } = &wish.new;
    Note {
        id: Uuid::nil(),
        user_id,
        username: username.to_owned(),
        title: title.trim().to_owned(),
        content: wish.new.content().to_owned(),
        is_public: is_public.unwrap_or_default(),
        hidden_reason: None,
        version: 0,
        created_at,
        updated_at,
        relation: Relation::Own,
        found: None,
    }
    .shortened()
}
