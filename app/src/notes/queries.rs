//! What the pages read of notes, in the query cache: fresh for 10 s, read again in the background every 30 s and at a live hint; and what is
//! shown before the server has said yes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use model::live::Topic;
use model::notes::{Note, NoteFilter, NoteInput, NoteList, NoteShare};
use model::{Page, PageRequest};
use uuid::Uuid;

use super::api::{NoteView, get_note, list_notes, list_shares};
use crate::cached::cached;
use crate::error::ApiError;
use crate::tasks::live::Live;
use crate::ui::{AtOnce, Ends};

/// Rows of one part of a list.
pub const ROWS: i64 = 20;

/// Which part of which list.
pub type ListKey = (NoteFilter, PageRequest);

/// What an event reads again.
pub const LIVE: Live = (Topic::Note.name(), changed, all_changed);

fn options() -> QueryOptions {
    QueryOptions::new().with_stale_time(Duration::from_secs(10)).with_refetch_interval(Duration::from_secs(30))
}

fn lists() -> QueryScope<ListKey, Result<Page<Note>, ApiError>> {
    QueryScope::new(|key: ListKey| async move {
        let mut page = list_notes(key.0.clone(), key.1).await?;
        show_pending(&key, &mut page);
        Ok::<_, ApiError>(page)
    })
    .with_options(options())
}

fn notes() -> QueryScope<Uuid, Result<NoteView, ApiError>> {
    QueryScope::new(get_note).with_options(options())
}

fn shares_of() -> QueryScope<Uuid, Result<Vec<NoteShare>, ApiError>> {
    QueryScope::new(list_shares).with_options(options())
}

/// A part of a list.
pub fn list(key: impl Fn() -> ListKey + Send + Sync + 'static) -> Resource<Result<Page<Note>, ApiError>> {
    cached(lists(), key)
}

/// One note.
pub fn one(id: impl Fn() -> Uuid + Send + Sync + 'static) -> Resource<Result<NoteView, ApiError>> {
    cached(notes(), id)
}

/// With whom one note is shared.
pub fn shares(id: impl Fn() -> Uuid + Send + Sync + 'static) -> Resource<Result<Vec<NoteShare>, ApiError>> {
    cached(shares_of(), id)
}

/// The note changed, or its shares did: what shows it is read again.
pub fn changed(client: &QueryClient, id: Uuid) {
    client.invalidate_query(notes(), id);
    client.invalidate_query(shares_of(), id);
    lists_changed(client);
}

/// Lists are read again.
pub fn lists_changed(client: &QueryClient) {
    client.invalidate_query_scope(lists());
}

/// Changes may have been missed: everything of notes is read again.
pub fn all_changed(client: &QueryClient) {
    client.invalidate_query_scope(notes());
    client.invalidate_query_scope(shares_of());
    lists_changed(client);
}

/// The list of own notes as it is opened first.
pub fn own_list() -> ListKey {
    (NoteFilter::default(), first_part())
}

/// The list of shared notes as it is opened first.
pub fn shared_list() -> ListKey {
    (NoteFilter { list: Some(NoteList::Shared), ..NoteFilter::default() }, first_part())
}

/// The first part of a list.
pub fn first_part() -> PageRequest {
    PageRequest { limit: Some(ROWS), ..PageRequest::default() }
}

/// A part of a list without this note.
pub fn take_out(page: &mut Page<Note>, id: Uuid) {
    let before = page.items.len();
    page.items.retain(|note| note.id != id);
    page.total -= i64::try_from(before - page.items.len()).unwrap_or_default();
}

/// A part of a list with this note as it was written.
pub fn rewrite(page: &mut Page<Note>, id: Uuid, edit: &NoteInput) {
    for note in page.items.iter_mut().filter(|note| note.id == id) {
        edit.title.trim().clone_into(&mut note.title);
        edit.content().clone_into(&mut note.content);
        note.is_public = edit.is_public.unwrap_or(note.is_public);
        *note = note.clone().shortened();
    }
}

/// What a change makes of a part of a list.
type Change = Box<dyn Fn(&mut Page<Note>) + Send + Sync>;

/// A change of lists that the server has not confirmed.
struct Pending {
    id: usize,
    keys: Vec<ListKey>,
    change: Change,
}

/// In the browser; nothing is pending on the server.
static PENDING: Mutex<Vec<Pending>> = Mutex::new(Vec::new());

/// What is read while a change is on its way may be from before it.
fn show_pending(key: &ListKey, page: &mut Page<Note>) {
    let pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    pending.iter().filter(|one| one.keys.contains(key)).for_each(|one| (one.change)(page));
}

/// What lists showed before a change that the server has not confirmed; the change is shown for as long as this lives.
#[derive(Debug)]
pub struct Before {
    id: usize,
    pages: Vec<(ListKey, Page<Note>)>,
}

/// Shows a change in lists at once, and in whatever is read of them until it is confirmed.
pub fn show_at_once(
    client: &QueryClient,
    keys: Vec<ListKey>,
    change: impl Fn(&mut Page<Note>) + Send + Sync + 'static,
) -> Before {
    static IDS: AtomicUsize = AtomicUsize::new(0);
    let cached = keys.iter().filter_map(|key| Some((key.clone(), client.get_cached_query(lists(), key)?.ok()?)));
    let before = Before { id: IDS.fetch_add(1, Ordering::Relaxed), pages: cached.collect() };
    for (key, page) in &before.pages {
        let mut page = page.clone();
        change(&mut page);
        client.set_query(lists(), key, Ok(page));
    }
    let pending = Pending { id: before.id, keys, change: Box::new(change) };
    PENDING.lock().unwrap_or_else(PoisonError::into_inner).push(pending);
    before
}

impl Before {
    /// Shows again what was before: the server has refused the change.
    pub fn come_back(mut self, client: &QueryClient) {
        std::mem::take(&mut self.pages).into_iter().for_each(|(key, page)| client.set_query(lists(), key, Ok(page)));
        drop(self);
        // It may have become old meanwhile.
        lists_changed(client);
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        PENDING.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one.id != self.id);
    }
}

/// An action whose `change` of lists is seen while it is on its way, and taken back if it is refused. The truth is read again either way.
pub fn at_once<S>(
    ends: Ends,
    leads_to: Option<&'static str>,
    keys: impl Fn() -> Vec<ListKey> + Send + Sync + 'static,
    change: impl Fn(&S, &mut Page<Note>) + Send + Sync + 'static,
) -> AtOnce<S>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let client: QueryClient = expect_context();
    let change = Arc::new(change);
    AtOnce::new(ends, leads_to, move |wish: &S| {
        let (change, wish) = (change.clone(), wish.clone());
        let before = show_at_once(&client, keys(), move |page| change(&wish, page));
        move |is_refused| {
            if is_refused {
                return before.come_back(&client);
            }
            drop(before);
            lists_changed(&client);
        }
    })
}
