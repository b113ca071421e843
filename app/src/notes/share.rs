use leptos::form::ActionForm;
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos::web_sys::MouseEvent;
use leptos_fetch::QueryClient;
use leptos_meta::Title;
use model::Problem;
use model::notes::{NoteShare, Permission};
use model::problem::Thing;
use uuid::Uuid;

use super::api::{SubmitPermission, SubmitRevocation, SubmitShare};
use super::queries;
use crate::auth::ForSignedIn;
use crate::cached::derived;
use crate::error::ApiError;
use crate::ui::{
    Done, Empty, Loading, Refusal, Refused, Rows, SelectField, Submit, TextField, emptied_by, id_in_address, refusal_of,
};

/// The dialog without JavaScript: a page of its own.
#[component]
pub fn ShareNotePage() -> impl IntoView {
    let id = id_in_address();
    let shown = move || match id.get() {
        Some(id) => view! {
            <section class="narrow">
                <p><a href=format!("/notes/{id}")>"Back to the note"</a></p>
                <h1>"Share"</h1>
                <Done/>
                <Sharing id/>
            </section>
        }
        .into_any(),
        None => view! { <Refused problem=Problem::NotFound { what: Thing::Note }/> }.into_any(),
    };
    view! {
        <Title text="Share a note"/>
        <ForSignedIn>{shown}</ForSignedIn>
    }
}

/// Opens the dialog in the place of its page.
#[derive(Clone, Copy)]
pub(super) struct Opener {
    dialog: NodeRef<Dialog>,
    /// Its inside is drawn, and read, for those who may share, and before it is opened: what begins to load takes the page, with an open
    /// dialog in it, from the document for a moment.
    is_ready: RwSignal<bool>,
}

impl Opener {
    pub fn new() -> Self {
        Self { dialog: NodeRef::new(), is_ready: RwSignal::new(false) }
    }

    /// The reader may share the note.
    pub fn prepare(self) {
        self.is_ready.set(true);
    }

    /// A browser that knows no dialogs, or a click that asks for another window, follows the link.
    pub fn open(self, click: &MouseEvent) {
        let is_plain = !(click.ctrl_key() || click.meta_key() || click.shift_key());
        let dialog = self.dialog.get_untracked();
        if is_plain && dialog.is_some_and(|dialog| dialog.show_modal().is_ok()) {
            click.prevent_default();
        }
    }
}

/// With whom the note is shared, over its page: a native dialog, so the keyboard and screen readers know their way.
#[component]
pub(super) fn ShareDialog(id: Uuid, opener: Opener) -> impl IntoView {
    let Opener { dialog, is_ready } = opener;
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="share-title">
            <header class="actions" data-spread="">
                <h2 id="share-title">"Share"</h2>
                <form method="dialog">
                    <button class="btn" data-variant="ghost" data-size="sm" type="submit">"Close"</button>
                </form>
            </header>
            <Show when=move || is_ready.get()><Sharing id/></Show>
        </dialog>
    }
}

/// Those who have the note, and the form for one more.
#[component]
fn Sharing(id: Uuid) -> impl IntoView {
    let client: QueryClient = expect_context();
    let read = queries::shares(move || id);
    let share = ServerAction::<SubmitShare>::new();
    let (change, revoke) = (ServerAction::<SubmitPermission>::new(), ServerAction::<SubmitRevocation>::new());
    Effect::new(move |_| {
        if share.version().get() + change.version().get() + revoke.version().get() > 0 {
            queries::changed(&client, id);
        }
    });
    let (of_change, of_revoke) = (refusal_of(change), refusal_of(revoke));
    let problem = Memo::new(move |_| of_change.get().or_else(|| of_revoke.get()));
    view! {
        <div class="stack">
            <ShareForm id action=share/>
            <Refusal problem/>
            <Transition fallback=|| view! { <Loading/> }><Shares id read change revoke/></Transition>
        </div>
    }
}

/// Those who have the note. A row stands still while others come and go.
#[component]
fn Shares(
    id: Uuid,
    read: Resource<Result<Vec<NoteShare>, ApiError>>,
    change: ServerAction<SubmitPermission>,
    revoke: ServerAction<SubmitRevocation>,
) -> impl IntoView {
    let state = derived(move |_| read.get().map(|read| read.map(|shares| shares.is_empty())));
    let shares = derived(move |_| read.get().and_then(Result::ok).unwrap_or_default());
    let words = move || match state.get() {
        Some(Ok(true)) => view! { <Empty><p>"Shared with nobody."</p></Empty> }.into_any(),
        Some(Err(error)) => view! { <Refused problem=error.0/> }.into_any(),
        _ => ().into_any(),
    };
    view! {
        {words}
        <ul class="shares" hidden=move || shares.with(Vec::is_empty)>
            <Rows rows=shares key=|share| (share.user_id, share.permission) row=move |share| row(id, share, change, revoke) or="user"/>
        </ul>
    }
}

#[component]
fn ShareForm(id: Uuid, action: ServerAction<SubmitShare>) -> impl IntoView {
    let problem = refusal_of(action);
    let choices = vec![(Permission::Read.name(), "read it"), (Permission::Write.name(), "read and change it")];
    let told = move || {
        let is_new = action.value().get()?.ok()?;
        Some(if is_new { "Shared. The receiver is told." } else { "The share was changed." })
    };
    view! {
        <ActionForm action=action node_ref=emptied_by(action) attr:class="stack">
            <Refusal problem/>
            <input type="hidden" name="id" value=id.to_string()/>
            <TextField field="user" label="Username or email" autocomplete="off" problem/>
            <SelectField field="permission" label="May" choices problem/>
            <div class="actions">
                <Submit label="Share note" pending=action.pending()/>
                <span role="status">{told}</span>
            </div>
        </ActionForm>
    }
}

fn row(
    id: Uuid,
    share: NoteShare,
    change: ServerAction<SubmitPermission>,
    revoke: ServerAction<SubmitRevocation>,
) -> AnyView {
    let (words, other, offer) = match share.permission {
        Permission::Read => ("may read", Permission::Write, "Let change"),
        Permission::Write => ("may read and change", Permission::Read, "Let read only"),
    };
    let ids = move || {
        view! {
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="user_id" value=share.user_id.to_string()/>
        }
    };
    let (changes, revokes) = (format!("change-{}", share.user_id), format!("revoke-{}", share.user_id));
    let (to_change, to_revoke) = (format!("{offer}: {}", share.username), format!("Revoke: {}", share.username));
    view! {
        <li>
            <span><strong>{share.username}</strong>" "{words}</span>
            <span class="actions">
                <ActionForm action=change>
                    {ids()}
                    <input type="hidden" name="new[permission]" value=other.name()/>
                    <button class="btn" data-variant="outline" data-size="sm" type="submit" id=changes aria-label=to_change>{offer}</button>
                </ActionForm>
                <ActionForm action=revoke>
                    {ids()}
                    <button class="btn" data-variant="destructive" data-size="sm" type="submit" id=revokes aria-label=to_revoke>"Revoke"</button>
                </ActionForm>
            </span>
        </li>
    }
    .into_any()
}
