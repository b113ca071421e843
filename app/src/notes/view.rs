use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::QueryClient;
use leptos_meta::Title;
use model::Problem;
use model::notes::Note;
use model::problem::Thing;
use model::rbac::{Action, allowed};
use model::users::Role;
use uuid::Uuid;

use super::api::{DeleteNote, LeaveNote, NoteView, SubmitHiding, SubmitUnhiding};
use super::list::DELETED;
use super::meta::Meta;
use super::queries;
use super::share::{Opener, ShareDialog};
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{
    AtOnce, AtOnceForm, Done, Ends, Loading, Refusal, Refused, Submit, TextField, id_in_address, refusal_of,
};

/// One note, live.
#[component]
pub fn NotePage() -> impl IntoView {
    let id = id_in_address();
    let shown = move || match id.get() {
        Some(id) => view! { <Detail id/> }.into_any(),
        None => view! { <Refused problem=Problem::NotFound { what: Thing::Note }/> }.into_any(),
    };
    view! {
        <Title text="Note"/>
        <ForSignedIn>{shown}</ForSignedIn>
    }
}

/// What people do with a note from its page; each is a form of its own, so it works without JavaScript as well.
#[derive(Clone, Copy)]
struct Actions {
    delete: AtOnce<DeleteNote>,
    leave: AtOnce<LeaveNote>,
    hide: ServerAction<SubmitHiding>,
    unhide: ServerAction<SubmitUnhiding>,
}

impl Actions {
    /// From a note that goes the way leads to the list that it was in, which is without it at once.
    fn new(id: Uuid) -> Self {
        let client: QueryClient = expect_context();
        let (hide, unhide) = (ServerAction::new(), ServerAction::new());
        Effect::new(move |_| {
            if hide.version().get() + unhide.version().get() > 0 {
                queries::changed(&client, id);
            }
        });
        let left = Ends { done: "You have left the note.", refused: "You have not left the note." };
        let own = || vec![queries::own_list()];
        let shared = || vec![queries::shared_list()];
        Self {
            delete: queries::at_once(DELETED, Some("/notes"), own, move |_, page| queries::take_out(page, id)),
            leave: queries::at_once(left, Some("/notes?list=shared"), shared, move |_, page| {
                queries::take_out(page, id)
            }),
            hide,
            unhide,
        }
    }
}

#[component]
fn Detail(id: Uuid) -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let note = queries::one(move || id);
    let actions = Actions::new(id);
    let opener = Opener::new();
    let (of_delete, of_leave) = (actions.delete.refusal(), actions.leave.refusal());
    let problem = Memo::new(move |_| of_delete.get().or_else(|| of_leave.get()));
    let shown = move || {
        note.get().map(|read| match read {
            Ok(view) => filled(view, user.role, actions, opener).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <p><a href="/notes">"All notes"</a></p>
        <Done/>
        <Refusal problem/>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
        <ShareDialog id opener/>
    }
}

fn filled(NoteView { note, html }: NoteView, role: Role, actions: Actions, opener: Opener) -> impl IntoView {
    let hidden = note.hidden_reason.clone();
    view! {
        <article class="stack">
            <header class="actions" data-spread="">
                <h1>{note.title.clone()}</h1>
                <Buttons note=note.clone() role actions opener/>
            </header>
            <Meta note=note.clone()/>
            {hidden.map(|reason| view! {
                <p class="notice" data-tone="warn">"A moderator has hidden this note from the public: "{reason}</p>
            })}
            // Made safe by the server: see `server/src/notes/markdown.rs`.
            <div class="panel prose" inner_html=html></div>
            {allowed(role, Action::HideNote, note.relation).then(|| view! { <Moderation note actions/> })}
        </article>
    }
}

#[component]
fn Buttons(note: Note, role: Role, actions: Actions, opener: Opener) -> impl IntoView {
    let may = |action: Action| allowed(role, action, note.relation);
    let id = note.id;
    let may_share = may(Action::ShareNote);
    Effect::new(move |_| {
        if may_share {
            opener.prepare();
        }
    });
    let Actions { delete, leave, .. } = actions;
    view! {
        <div class="actions">
            {may(Action::EditNote).then(|| view! { <a class="btn" href=format!("/notes/{id}/edit")>"Edit"</a> })}
            {may_share.then(|| view! {
                <a class="btn" data-variant="outline" href=format!("/notes/{id}/share") on:click=move |click| opener.open(&click)>"Share"</a>
            })}
            {may(Action::DeleteNote).then(|| view! {
                <AtOnceForm deed=delete><Send id label="Delete" pending=delete.pending()/></AtOnceForm>
            })}
            {may(Action::LeaveNote).then(|| view! {
                <AtOnceForm deed=leave><Send id label="Leave" pending=leave.pending()/></AtOnceForm>
            })}
        </div>
    }
}

/// The button of a form that is about this note only.
#[component]
fn Send(id: Uuid, label: &'static str, pending: Memo<bool>) -> impl IntoView {
    view! {
        <input type="hidden" name="id" value=id.to_string()/>
        <button class="btn" data-variant="destructive" type="submit" disabled=move || pending.get()>{label}</button>
    }
}

/// For moderators: taking a public note from the public, and giving it back.
#[component]
fn Moderation(note: Note, actions: Actions) -> impl IntoView {
    let Actions { hide, unhide, .. } = actions;
    let problem = refusal_of(hide);
    let id = note.id.to_string();
    if note.hidden_reason.is_some() {
        return view! {
            <ActionForm action=unhide attr:class="panel stack">
                <h2>"Moderation"</h2>
                <Refusal problem=refusal_of(unhide)/>
                <input type="hidden" name="id" value=id/>
                <Submit label="Open to the public again" pending=unhide.pending()/>
            </ActionForm>
        }
        .into_any();
    }
    note.is_public
        .then(|| {
            view! {
                <ActionForm action=hide attr:class="panel stack">
                    <h2>"Moderation"</h2>
                    <Refusal problem/>
                    <input type="hidden" name="id" value=id/>
                    <TextField field="reason" label="Reason" autocomplete="off" problem help="Its owner reads it. It stands in the audit log."/>
                    <Submit label="Hide from the public" pending=hide.pending()/>
                </ActionForm>
            }
        })
        .into_any()
}
