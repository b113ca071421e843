//! Saves while somebody types. Everything here happens in the browser only; without JavaScript there is the button.

use std::time::Duration;

use leptos::form::FromFormData;
use leptos::html::Form;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::{FormData, SubmitEvent};
use leptos_fetch::QueryClient;
use model::Problem;
use model::notes::NoteInput;
use uuid::Uuid;

use super::api::{UpdateNote, update_note};
use super::{draft, queries};
use crate::error::ApiError;
use crate::ui::Late;

/// From the last key to the saving.
const AFTER: Duration = Duration::from_secs(1);
/// Between two tries when the server can not be reached.
const AGAIN: Duration = Duration::from_secs(5);

/// Where the text stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// As it was loaded, or saved.
    #[default]
    Clean,
    /// Typed, and not sent yet.
    Typed,
    Sending,
    Saved,
    /// The server can not be reached; the text is kept in this browser, and sent again.
    Kept,
    /// The text is kept in this browser.
    Refused(Problem),
}

/// The saving of one note. Cheap to copy.
#[derive(Clone, Copy)]
pub(super) struct Autosave {
    note: Uuid,
    writer: Uuid,
    pub form: NodeRef<Form>,
    /// The version that the text in the form goes on from.
    pub version: RwSignal<i32>,
    pub state: RwSignal<State>,
    client: QueryClient,
    /// A text of an earlier visit that the writer has not answered for; what is kept of it stays.
    pub offer: RwSignal<Option<NoteInput>>,
    /// Whether something is in the form that the server has not taken and that is not on its way.
    is_typed: StoredValue<bool>,
    /// The button was pressed, and the server has not answered for all of the text yet.
    pub is_pressed: RwSignal<bool>,
    /// The text for which the button was pressed is saved.
    pub is_done: RwSignal<bool>,
    late: Late,
    timer: StoredValue<Option<TimeoutHandle>>,
}

impl Autosave {
    pub fn new(note: Uuid, writer: Uuid, version: i32) -> Self {
        let this = Self {
            note,
            writer,
            form: NodeRef::new(),
            version: RwSignal::new(version),
            state: RwSignal::default(),
            client: expect_context(),
            offer: RwSignal::new(None),
            is_typed: StoredValue::new(false),
            is_pressed: RwSignal::new(false),
            is_done: RwSignal::new(false),
            late: expect_context(),
            timer: StoredValue::new(None),
        };
        on_cleanup(move || this.leave());
        // The whole program ends with a closed tab, and nothing that is sent then is sure to arrive.
        let closing = window_event_listener_untyped("pagehide", move |_| this.keep());
        on_cleanup(move || closing.remove());
        this
    }

    /// Something was typed.
    pub fn typed(self) {
        self.is_typed.set_value(true);
        if self.state.get_untracked() != State::Sending {
            self.state.set(State::Typed);
        }
        self.after(AFTER);
    }

    fn after(self, time: Duration) {
        self.stop_timer();
        let timer = set_timeout_with_handle(move || self.save(), time).ok();
        self.timer.try_set_value(timer);
    }

    fn stop_timer(self) {
        if let Some(Some(timer)) = self.timer.try_get_value() {
            timer.clear();
        }
    }

    /// The editor is left: what was typed in the last second goes as well, and is kept until it has arrived. What can not be sent beside
    /// another sending, or was refused, is kept for the next visit.
    fn leave(self) {
        self.stop_timer();
        if self.is_typed.try_get_value() != Some(true) {
            return;
        }
        let Some(wish) = self.wish() else { return };
        draft::keep(self.writer, self.note, &wish.new);
        if !matches!(self.state.try_get_untracked(), Some(State::Sending | State::Refused(_))) {
            // Without a change of state, because nothing is left that could show it.
            self.send(wish);
        }
    }

    /// Keeps what the server has not taken, or may not have.
    fn keep(self) {
        let is_under_way = self.state.try_get_untracked() == Some(State::Sending);
        if (is_under_way || self.is_typed.try_get_value() == Some(true))
            && let Some(wish) = self.wish()
        {
            draft::keep(self.writer, self.note, &wish.new);
        }
    }

    /// The button was pressed. What is on its way must arrive first, or the two would be two editors.
    pub fn pressed(self, event: &SubmitEvent) {
        event.prevent_default();
        self.is_pressed.set(true);
        if self.state.get_untracked() != State::Sending {
            self.save();
        }
    }

    /// Saves what is in the form.
    fn save(self) {
        self.stop_timer();
        if self.state.try_get_untracked() == Some(State::Sending) {
            return self.after(AFTER);
        }
        let Some(wish) = self.wish() else { return };
        self.state.try_set(State::Sending);
        self.is_typed.try_set_value(false);
        self.send(wish);
    }

    /// Sends it, and shows it in the lists at once.
    fn send(self, wish: UpdateNote) {
        let (note, lists) = (self.note, vec![queries::own_list(), queries::shared_list()]);
        let new = wish.new.clone();
        let before = queries::show_at_once(&self.client, lists, move |page| queries::rewrite(page, note, &new));
        spawn_local(async move {
            match update_note(wish.id, wish.new.clone()).await {
                Ok(saved) => {
                    drop(before);
                    self.arrived(&wish.new, saved.version);
                    self.version.try_set(saved.version);
                    self.state.try_set(State::Saved);
                    queries::changed(&self.client, note);
                    self.go_on();
                }
                Err(ApiError(problem)) => {
                    before.come_back(&self.client);
                    self.is_pressed.try_set(false);
                    self.refused(problem, &wish);
                }
            }
        });
    }

    /// What was typed after the button had been pressed is saved as well, before the editor is left.
    fn go_on(self) {
        if self.is_pressed.try_get_untracked() == Some(true) {
            match self.is_typed.get_value() {
                true => self.save(),
                false => self.is_done.set(true),
            }
        }
    }

    /// The server has it, so it need not be kept any more. What was typed since by somebody who has left the editor goes on from there.
    fn arrived(self, sent: &NoteInput, version: i32) {
        match self.is_typed.try_get_value() {
            Some(false) if self.is_pressed.get_untracked() || self.offer.with_untracked(Option::is_none) => {
                draft::forget(self.writer, self.note)
            }
            Some(_) => {}
            None => match draft::find(self.writer, self.note) {
                Some(kept) if kept.title == sent.title && kept.content() == sent.content() => {
                    draft::forget(self.writer, self.note);
                }
                Some(kept) => draft::keep(self.writer, self.note, &NoteInput { version: Some(version), ..kept }),
                None => {}
            },
        }
    }

    /// Whatever the reason, the text is not lost.
    fn refused(self, problem: Problem, wish: &UpdateNote) {
        draft::keep(self.writer, self.note, &wish.new);
        if self.is_typed.try_set_value(true).is_some() {
            let words = "The note was not saved; what you typed is kept in this browser, and offered in the editor.";
            return self.late.0.set(Some((words, Some(problem))));
        }
        if matches!(problem, Problem::Unavailable { .. }) {
            self.state.try_set(State::Kept);
            return self.after(AGAIN);
        }
        if problem == Problem::ChangedMeanwhile {
            queries::changed(&self.client, self.note);
        }
        self.state.try_set(State::Refused(problem));
    }

    fn wish(self) -> Option<UpdateNote> {
        let form = self.form.try_get_untracked().flatten()?;
        UpdateNote::from_form_data(&FormData::new_with_form(&form).ok()?).ok()
    }
}
