use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::Page;
use model::notes::{Note, NoteFilter, NoteList, NoteSort};
use model::page::counted;
use model::rbac::{Action, allowed};
use uuid::Uuid;

use super::api::DeleteNote;
use super::create::NewNote;
use super::meta::{Meta, marked};
use super::queries::{self, ListKey};
use crate::auth::{CurrentUser, ForSignedIn};
use crate::cached::derived;
use crate::error::ApiError;
use crate::ui::{AtOnce, AtOnceForm, Done, Empty, Ends, Loading, Pager, Refusal, Refused, Rows};

/// How a deletion ends, in words.
pub(super) const DELETED: Ends = Ends { done: "The note was deleted.", refused: "The note was not deleted." };

/// The lists of notes; which one, its search, its order and its place are in the address.
#[component]
pub fn NotesPage() -> impl IntoView {
    view! {
        <Title text="Notes"/>
        <ForSignedIn>
            <h1>"Notes"</h1>
            <Done/>
            <List/>
        </ForSignedIn>
    }
}

#[component]
fn List() -> impl IntoView {
    let query = use_query_map();
    // Counted, because the query cache still asks for the key when the page has already been left.
    let key = ArcMemo::new(move |_| query.with(read));
    let page = queries::list({
        let key = key.clone();
        move || key.get()
    });
    let delete = queries::at_once(
        DELETED,
        None,
        {
            let key = key.clone();
            move || vec![key.get()]
        },
        |wish: &DeleteNote, page| queries::take_out(page, wish.id),
    );
    let filter = key.clone();
    view! {
        {move || view! { <Filters filter=filter.get().0/> }}
        <NewNote/>
        <Refusal problem=delete.refusal()/>
        <Transition fallback=|| view! { <Loading/> }><Part page key delete/></Transition>
    }
}

/// Stands still while notes come and go.
#[component]
fn Part(
    page: Resource<Result<Page<Note>, ApiError>>,
    key: ArcMemo<ListKey>,
    delete: AtOnce<DeleteNote>,
) -> impl IntoView {
    let state = derived(move |_| page.get().map(|read| read.map(|_| ())));
    let notes = derived(move |_| page.get().and_then(Result::ok).map(|page| page.items).unwrap_or_default());
    let around = move || page.get().and_then(Result::ok).map(|page| around(&page, &key.get()));
    move || {
        let around = around.clone();
        state.get().map(|read| match read {
            Ok(()) => view! {
                <div class="stack">
                    <ul class="notes" hidden=move || notes.with(Vec::is_empty)>
                        <Rows rows=notes key=Note::clone row=move |note| row(note, delete)/>
                    </ul>
                    {around}
                </div>
            }
            .into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    }
}

/// What the address asks for; a value that means nothing is taken for none.
fn read(query: &ParamsMap) -> ListKey {
    let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let list = text("list").and_then(|name| NoteList::ALL.into_iter().find(|list| list.name() == name));
    let filter = NoteFilter {
        list: list.filter(|list| *list != NoteList::Own),
        search: text("search"),
        sort: text("sort").and_then(|name| NoteSort::ALL.into_iter().find(|sort| sort.name() == name)),
    };
    let mut place = queries::first_part();
    place.after = text("after").and_then(|id| id.parse().ok());
    (filter, place)
}

/// The address of a part of a list.
fn address(filter: &NoteFilter, after: Option<Uuid>) -> String {
    let mut query = ParamsMap::new();
    let pairs = [
        ("list", filter.list.map(|list| list.name().to_owned())),
        ("search", filter.search.clone()),
        ("sort", filter.sort.map(|sort| sort.name().to_owned())),
        ("after", after.map(|id| id.to_string())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            query.insert(name, value);
        }
    }
    format!("/notes{}", query.to_query_string())
}

/// Links and a plain GET form: choosing and pressing the button is all it takes, also without JavaScript.
#[component]
fn Filters(filter: NoteFilter) -> impl IntoView {
    let tab = |list: NoteList| {
        let current = (filter.list() == list).then_some("page");
        let filter = NoteFilter { list: Some(list).filter(|list| *list != NoteList::Own), ..NoteFilter::default() };
        view! { <a href=address(&filter, None) aria-current=current>{list.title()}</a> }
    };
    let sorts = NoteSort::ALL.into_iter().filter(|sort| *sort != NoteSort::Best || filter.words().is_some());
    let sorts = sorts.map(|sort| {
        view! { <option value=sort.name() selected=filter.sort() == sort>{sort.title()}</option> }
    });
    view! {
        <nav class="tabs" aria-label="Which notes">{NoteList::ALL.map(tab).collect_view()}</nav>
        <form class="filters" method="get" action="/notes" role="search" aria-label="Search notes">
            {filter.list.map(|list| view! { <input type="hidden" name="list" value=list.name()/> })}
            <div>
                <label for="search">"Words"</label>
                <input class="input" type="search" id="search" name="search" maxlength="200" value=filter.search.clone()/>
            </div>
            <div>
                <label for="sort">"Order"</label>
                <select class="select" id="sort" name="sort">{sorts.collect_view()}</select>
            </div>
            <button class="btn" data-variant="outline" type="submit">"Search"</button>
        </form>
    }
}

/// How many there are, and the ways to other parts; or that there are none.
fn around(page: &Page<Note>, (filter, place): &ListKey) -> AnyView {
    if page.items.is_empty() && place.after.is_none() {
        let words = match (filter.words(), filter.list()) {
            (Some(_), _) => "No note has these words.",
            (None, NoteList::Own) => "No notes yet.",
            (None, NoteList::Shared) => "Nobody shares a note with you.",
            (None, NoteList::Public) => "Nobody has opened a note to everybody.",
        };
        return view! { <Empty><p>{words}</p></Empty> }.into_any();
    }
    let total = counted(page.total, "note");
    let first = place.after.map(|_| address(filter, None));
    let next = page.next.map(|after| address(filter, Some(after)));
    view! { <Pager total first next/> }.into_any()
}

/// A note that the server has not confirmed has no id yet, and so no page and no button.
fn row(note: Note, delete: AtOnce<DeleteNote>) -> AnyView {
    let CurrentUser(user) = expect_context();
    let is_saved = !note.id.is_nil();
    let can_delete = is_saved && allowed(user.role, Action::DeleteNote, note.relation);
    let label = format!("Delete {}", note.title);
    let meta = is_saved.then(|| view! { <Meta note=note.clone()/> });
    let (title, beginning) = match note.found {
        Some(found) => (marked(found.title).into_any(), marked(found.content).into_any()),
        None => (note.title.into_any(), note.content.into_any()),
    };
    let title = match is_saved {
        true => view! { <a id=format!("note-{}", note.id) href=format!("/notes/{}", note.id)>{title}</a> }.into_any(),
        false => view! { <span>{title}" "<span class="field-help">"saving…"</span></span> }.into_any(),
    };
    view! {
        <li class="panel" aria-busy=(!is_saved).then_some("true")>
            <h2>{title}</h2>
            <p class="note-beginning">{beginning}</p>
            <div class="actions" data-spread="">
                {meta}
                {can_delete.then(|| view! {
                    <AtOnceForm deed=delete>
                        <input type="hidden" name="id" value=note.id.to_string()/>
                        <button class="btn" data-variant="destructive" data-size="sm" type="submit" aria-label=label>"Delete"</button>
                    </AtOnceForm>
                })}
            </div>
        </li>
    }
    .into_any()
}
