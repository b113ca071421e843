//! What was typed and could not be saved, kept in this browser until it is.
//!
//! `localStorage` is open to whoever sits at the browser next, so a draft is there only while the server has not taken it, under the id of
//! its writer, and goes when they log out. The end of a session is no logout: who has to log in again finds the text.

use model::notes::NoteInput;
use uuid::Uuid;

/// What the keys of all drafts begin with.
#[cfg(feature = "hydrate")]
const PREFIX: &str = "draft:note:";

#[cfg(feature = "hydrate")]
mod inside {
    use leptos::prelude::window;
    use web_sys::Storage;

    use super::{NoteInput, PREFIX, Uuid};

    /// None where a browser is told to store nothing.
    fn storage() -> Option<Storage> {
        window().local_storage().ok().flatten()
    }

    fn key(writer: Uuid, note: Uuid) -> String {
        format!("{PREFIX}{writer}:{note}")
    }

    pub fn keep(writer: Uuid, note: Uuid, input: &NoteInput) {
        if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(input)) {
            drop(storage.set_item(&key(writer, note), &text));
        }
    }

    pub fn find(writer: Uuid, note: Uuid) -> Option<NoteInput> {
        let text = storage()?.get_item(&key(writer, note)).ok()??;
        serde_json::from_str(&text).ok()
    }

    pub fn forget(writer: Uuid, note: Uuid) {
        if let Some(storage) = storage() {
            drop(storage.remove_item(&key(writer, note)));
        }
    }

    pub fn forget_all() {
        let Some(storage) = storage() else { return };
        let count = storage.length().unwrap_or_default();
        let keys: Vec<_> = (0..count).filter_map(|place| storage.key(place).ok().flatten()).collect();
        for key in keys.iter().filter(|key| key.starts_with(PREFIX)) {
            drop(storage.remove_item(key));
        }
    }
}

/// On the server there is nothing to keep.
#[cfg(not(feature = "hydrate"))]
mod inside {
    use super::{NoteInput, Uuid};

    pub fn keep(_: Uuid, _: Uuid, _: &NoteInput) {}

    pub fn find(_: Uuid, _: Uuid) -> Option<NoteInput> {
        None
    }

    pub fn forget(_: Uuid, _: Uuid) {}

    pub fn forget_all() {}
}

/// Keeps what `writer` typed into a note.
pub(super) fn keep(writer: Uuid, note: Uuid, input: &NoteInput) {
    inside::keep(writer, note, input);
}

/// What `writer` typed into a note and could not save.
pub(super) fn find(writer: Uuid, note: Uuid) -> Option<NoteInput> {
    inside::find(writer, note)
}

/// It was saved, or is not wanted any more.
pub(super) fn forget(writer: Uuid, note: Uuid) {
    inside::forget(writer, note);
}

/// Somebody logs out: the next one at this browser finds nothing.
pub fn forget_all() {
    inside::forget_all();
}
