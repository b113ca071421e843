//! What people do with one task.

use leptos::form::ActionForm;
use leptos::prelude::*;
use model::Problem;
use model::tasks::{TaskFilter, TaskStatus};
use uuid::Uuid;

use super::api::{CancelTask, CopyTask, DeleteTask, RetryTask, RunTaskNow};
use super::queries;

/// What can be done to a task; each is a form of its own, so it works without JavaScript as well.
#[derive(Clone, Copy)]
pub struct Actions {
    cancel: ServerAction<CancelTask>,
    retry: ServerAction<RetryTask>,
    run_now: ServerAction<RunTaskNow>,
    copy: ServerAction<CopyTask>,
    delete: ServerAction<DeleteTask>,
}

impl Actions {
    pub fn new() -> Self {
        Self {
            cancel: ServerAction::new(),
            retry: ServerAction::new(),
            run_now: ServerAction::new(),
            copy: ServerAction::new(),
            delete: ServerAction::new(),
        }
    }

    /// Why the last one was refused.
    pub fn problem(self) -> Option<Problem> {
        let Self { cancel, retry, run_now, copy, delete } = self;
        let answers = [cancel.value(), retry.value(), run_now.value(), copy.value(), delete.value()];
        let answers = answers.map(|answer| answer.get());
        answers.into_iter().flatten().find_map(Result::err).map(|error| error.0)
    }

    /// For a list: told while it is on its way, because the answer leads to the page of the task.
    pub fn keep_all_current(self) {
        let client = expect_context();
        Effect::new(move |_| {
            if self.retry.pending().get() || self.run_now.pending().get() {
                queries::all_changed(&client);
            }
        });
    }

    /// What the actions touch is read again, also when the live stream is closed.
    pub fn keep_current(self, id: Uuid) {
        let client = expect_context();
        Effect::new(move |_| {
            if self.cancel.version().get() + self.retry.version().get() + self.run_now.version().get() > 0 {
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
    /// Whether it waits for its start or its next attempt.
    is_waiting: bool,
    /// Whether people queue tasks of this type.
    is_for_people: bool,
    actions: Actions,
) -> impl IntoView {
    let Actions { cancel, retry, run_now, copy, delete } = actions;
    let can_copy = is_for_people && matches!(status, TaskStatus::Completed | TaskStatus::Cancelled);
    let can_cancel = !status.has_ended() && !is_told;
    view! {
        <div class="actions">
            {is_waiting.then(|| view! {
                <ActionForm action=run_now><Send id label="Run now" variant="primary" pending=run_now.pending()/></ActionForm>
            })}
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

/// Whether [`Again`] is something for all tasks of a list.
pub(super) fn is_for_all(filter: &TaskFilter) -> bool {
    matches!(filter.status, Some(TaskStatus::Failed | TaskStatus::Retrying))
}

/// What a row of a list offers, without a look at its task before: another run, or the next attempt at once.
#[component]
pub(super) fn Again(id: Uuid, status: TaskStatus, is_waiting: bool, of: String, actions: Actions) -> impl IntoView {
    let Actions { retry, run_now, .. } = actions;
    match (status, is_waiting) {
        (TaskStatus::Failed, _) => view! {
            <ActionForm action=retry><Send id label="Run again" variant="outline" size="sm" of pending=retry.pending()/></ActionForm>
        }
        .into_any(),
        (TaskStatus::Retrying, true) => view! {
            <ActionForm action=run_now><Send id label="Run now" variant="outline" size="sm" of pending=run_now.pending()/></ActionForm>
        }
        .into_any(),
        _ => ().into_any(),
    }
}

/// The button of a form that is about this task only.
#[component]
fn Send(
    id: Uuid,
    label: &'static str,
    variant: &'static str,
    #[prop(optional)] size: &'static str,
    /// What it is, where the page has several.
    #[prop(optional)]
    of: String,
    pending: Memo<bool>,
) -> impl IntoView {
    let size = (!size.is_empty()).then_some(size);
    let of = (!of.is_empty()).then(|| view! { <span class="sr-only">" "{of}</span> });
    view! {
        <input type="hidden" name="id" value=id.to_string()/>
        <button class="btn" data-variant=variant data-size=size type="submit" disabled=move || pending.get()>{label}{of}</button>
    }
}
