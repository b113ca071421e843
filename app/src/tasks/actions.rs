//! What people do with one task.

use leptos::form::ActionForm;
use leptos::prelude::*;
use model::Problem;
use model::tasks::TaskStatus;
use uuid::Uuid;

use super::api::{CancelTask, CopyTask, DeleteTask, RetryTask};
use super::queries;

/// What can be done to a task; each is a form of its own, so it works without JavaScript as well.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    cancel: ServerAction<CancelTask>,
    retry: ServerAction<RetryTask>,
    copy: ServerAction<CopyTask>,
    delete: ServerAction<DeleteTask>,
}

impl Actions {
    pub fn new() -> Self {
        let (cancel, retry) = (ServerAction::new(), ServerAction::new());
        Self { cancel, retry, copy: ServerAction::new(), delete: ServerAction::new() }
    }

    /// Why the last one was refused.
    pub fn problem(self) -> Option<Problem> {
        let Self { cancel, retry, copy, delete } = self;
        let answers = [cancel.value().get(), retry.value().get(), copy.value().get(), delete.value().get()];
        answers.into_iter().flatten().find_map(Result::err).map(|error| error.0)
    }

    /// What the actions touch is read again, also when the live stream is closed.
    pub fn keep_current(self, id: Uuid) {
        let client = expect_context();
        Effect::new(move |_| {
            if self.cancel.version().get() + self.retry.version().get() > 0 {
                queries::changed(&client, id);
            }
        });
        // Told while it is on its way: the answer leads to the list, and this page is gone.
        Effect::new(move |_| {
            if self.delete.pending().get() || self.copy.pending().get() {
                queries::lists_changed(&client);
            }
        });
    }
}

#[component]
pub(super) fn Buttons(
    id: Uuid,
    status: TaskStatus,
    is_told: bool,
    /// Whether people queue tasks of this type.
    is_for_people: bool,
    actions: Actions,
) -> impl IntoView {
    let Actions { cancel, retry, copy, delete } = actions;
    let can_copy = is_for_people && matches!(status, TaskStatus::Completed | TaskStatus::Cancelled);
    let can_cancel = !status.has_ended() && !is_told;
    view! {
        <div class="actions">
            {can_cancel.then(|| view! {
                <ActionForm action=cancel><Send id label="Cancel task" variant="destructive" pending=cancel.pending()/></ActionForm>
            })}
            {(status == TaskStatus::Failed).then(|| view! {
                <ActionForm action=retry><Send id label="Run again" variant="primary" pending=retry.pending()/></ActionForm>
                <a class="btn" data-variant="outline" href=format!("/tasks/{id}/retry")>"Change payload"</a>
            })}
            {can_copy.then(|| view! {
                <ActionForm action=copy><Send id label="Queue again" variant="outline" pending=copy.pending()/></ActionForm>
            })}
            {status.has_ended().then(|| view! {
                <ActionForm action=delete><Send id label="Delete" variant="destructive" pending=delete.pending()/></ActionForm>
            })}
        </div>
    }
}

/// The button of a form that is about this task only.
#[component]
fn Send(id: Uuid, label: &'static str, variant: &'static str, pending: Memo<bool>) -> impl IntoView {
    view! {
        <input type="hidden" name="id" value=id.to_string()/>
        <button class="btn" data-variant=variant type="submit" disabled=move || pending.get()>{label}</button>
    }
}
