use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use leptos_meta::Title;
use leptos_router::hooks::use_navigate;
use model::Problem;
use model::notes::{Note, NoteInput};
use model::problem::Thing;
use model::rbac::{Action, allowed};
use uuid::Uuid;

use super::api::{UpdateNote, get_note_to_edit};
use super::autosave::{Autosave, State};
use super::create::NoteFields;
use super::{draft, queries};
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{Loading, Refusal, Refused, Submit, id_in_address, refusal_of};

/// The form of one note.
#[component]
pub fn EditNotePage() -> impl IntoView {
    let id = id_in_address();
    let shown = move || match id.get() {
        Some(id) => view! { <Detail id/> }.into_any(),
        None => view! { <Refused problem=Problem::NotFound { what: Thing::Note }/> }.into_any(),
    };
    view! {
        <Title text="Edit a note"/>
        <ForSignedIn>{shown}</ForSignedIn>
    }
}

/// Reads the note once, for the form: what others write meanwhile must not overwrite what is being typed.
#[component]
fn Detail(id: Uuid) -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let note = OnceResource::new(get_note_to_edit(id));
    let shown = move || {
        note.get().map(|read| match read {
            Ok(note) => view! { <Editor note writer=user.id/> }.into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <p><a href=format!("/notes/{id}")>"Back to the note"</a></p>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

#[component]
fn Editor(note: Note, writer: Uuid) -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let id = note.id;
    // Without JavaScript the form is sent as it is; with it everything goes the way of what is saved by itself.
    let action = ServerAction::<UpdateNote>::new();
    let autosave = Autosave::new(id, writer, note.version);
    let of_form = refusal_of(action);
    let problem = Memo::new(move |_| match autosave.state.get() {
        State::Refused(problem) => Some(problem),
        State::Clean => of_form.get(),
        _ => None,
    });
    let navigate = use_navigate();
    Effect::new(move |_| {
        if autosave.is_done.get() {
            navigate(&format!("/notes/{id}?done=note-saved"), Default::default());
        }
    });
    let is_public = allowed(user.role, Action::PublishNote, note.relation).then_some(note.is_public);
    view! {
        <h1>"Edit"</h1>
        <Draft note=note.clone() writer autosave/>
        <Meanwhile id autosave problem/>
        <div on:input=move |_| autosave.typed() on:submit:capture=move |event| autosave.pressed(&event)>
            <ActionForm action=action node_ref=autosave.form attr:class="panel stack">
                <Refusal problem/>
                <input type="hidden" name="id" value=id.to_string()/>
                // Never what was typed before: whoever sends the form once more has seen the other text.
                <input type="hidden" name="new[version]" value=move || autosave.version.get().to_string()/>
                <NoteFields title=note.title content=note.content is_public problem/>
                <div class="actions">
                    <Submit label="Save note" pending=autosave.is_pressed/>
                    <Saving state=autosave.state/>
                </div>
            </ActionForm>
        </div>
    }
}

/// Says what became of what was typed.
#[component]
fn Saving(state: RwSignal<State>) -> impl IntoView {
    let words = move || match state.get() {
        State::Clean | State::Refused(_) => "",
        State::Typed | State::Sending => "Saving…",
        State::Saved => "Saved",
        State::Kept => "No connection. What you typed is kept in this browser, and saved when the connection is back.",
    };
    view! { <span class="field-help" role="status">{words}</span> }
}

/// Tells the second of two editors that somebody was faster, and shows the other text beside the own one.
#[component]
fn Meanwhile(id: Uuid, autosave: Autosave, problem: Memo<Option<Problem>>) -> impl IntoView {
    let current = queries::one(move || id);
    let shown = move || {
        let theirs = current.get()?.ok()?.note;
        let is_newer = theirs.version > autosave.version.get() && autosave.state.get() != State::Sending;
        // Without JavaScript the page was drawn anew: its version is theirs already, and the form holds the own text.
        let is_refused = problem.get() == Some(Problem::ChangedMeanwhile);
        (is_newer || is_refused).then(|| view! { <Theirs note=theirs autosave/> })
    };
    view! { <Transition>{shown}</Transition> }
}

#[component]
fn Theirs(note: Note, autosave: Autosave) -> impl IntoView {
    let version = note.version;
    let is_live = RwSignal::new(false);
    Effect::new(move |_| is_live.set(true));
    // The next saving goes on from their version, and so over it.
    let keep_mine = move |_| {
        autosave.version.set(version);
        autosave.typed();
    };
    view! {
        <section class="panel stack" role="alert" aria-labelledby="theirs">
            <h2 id="theirs">"Somebody has changed it meanwhile"</h2>
            <p>"This is the note as it is now. Your text is below; saving it replaces this one."</p>
            <p><strong>{note.title}</strong></p>
            <pre class="code note-text">{note.content}</pre>
            <div class="actions">
                <button class="btn" type="button" hidden=move || !is_live.get() on:click=keep_mine>"Keep mine"</button>
                <a class="btn" data-variant="outline" rel="external" href=format!("/notes/{}/edit", note.id)>"Take theirs"</a>
            </div>
        </section>
    }
}

/// Offers what was typed in this browser and could not be saved.
#[component]
fn Draft(note: Note, writer: Uuid, autosave: Autosave) -> impl IntoView {
    let (found, id) = (autosave.offer, note.id);
    // After hydration: the server knows of no draft.
    Effect::new(move |_| {
        let differs = |draft: &NoteInput| {
            let is_public = draft.is_public.unwrap_or(note.is_public);
            draft.title != note.title || draft.content() != note.content || is_public != note.is_public
        };
        found.set(draft::find(writer, id).filter(differs));
    });
    let restore = move |_| {
        let Some(draft) = found.get_untracked() else { return };
        fill(&draft);
        autosave.version.set(draft.version.unwrap_or_default());
        found.set(None);
        autosave.typed();
    };
    let discard = move |_| {
        draft::forget(writer, id);
        found.set(None);
    };
    view! {
        <Show when=move || found.with(Option::is_some)>
            <p class="notice" data-tone="info">
                <span>"This browser has a text that was not saved."</span>
                <button class="btn" data-size="sm" type="button" on:click=restore>"Restore it"</button>
                <button class="btn" data-size="sm" data-variant="outline" type="button" on:click=discard>"Discard it"</button>
            </p>
        </Show>
    }
}

/// Puts a draft into the form.
fn fill(draft: &NoteInput) {
    let element = |id: &str| document().get_element_by_id(id);
    if let Some(title) = element("title").and_then(|title| title.dyn_into::<HtmlInputElement>().ok()) {
        title.set_value(&draft.title);
    }
    if let Some(content) = element("note-content").and_then(|content| content.dyn_into::<HtmlTextAreaElement>().ok()) {
        content.set_value(draft.content());
    }
    if let (Some(is_public), Some(select)) = (draft.is_public, element("is_public")) {
        let select = select.dyn_into::<HtmlSelectElement>().ok();
        select.iter().for_each(|select| select.set_value(if is_public { "true" } else { "false" }));
    }
}
