//! The server functions of tasks.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use model::tasks::{
    Bulk, BulkAsked, DeadGroup, Delivery, NewTaskForm, Operations, Period, QueueCommand, Replay, Schedule,
    ScheduleTimes, Task, TaskFilter, TaskListed, TaskSeen, TaskStats,
};
use model::{Page, PageRequest};
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;

/// Own tasks, or everybody's for moderators; the newest first. As JSON, because a form cannot say an empty filter.
#[server(endpoint = "tasks/list", input = Json)]
pub async fn list_tasks(filter: TaskFilter, page: PageRequest) -> Result<Page<TaskListed>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::listed(&app, &actor, &filter, page).await.map_err(ssr::refuse)
}

/// One task, and what it has to do with others.
#[server(endpoint = "tasks/get")]
pub async fn get_task(id: Uuid) -> Result<TaskSeen, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::seen(&app, &actor, id).await.map_err(ssr::refuse)
}

/// The tries to deliver a webhook, the newest first.
#[server(endpoint = "tasks/deliveries")]
pub async fn task_deliveries(id: Uuid) -> Result<Vec<Delivery>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::deliveries(&app, &actor, id).await.map_err(ssr::refuse)
}

/// How many of them stand where.
#[server(endpoint = "tasks/overview")]
pub async fn task_overview() -> Result<TaskStats, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::overview(&app, &actor).await.map_err(ssr::refuse)
}

/// Queues a task and goes to its page.
#[server(endpoint = "tasks/create")]
pub async fn create_task(new: NewTaskForm) -> Result<Task, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let new = new.read().map_err(|problem| ssr::refuse(problem.into()))?;
    let task = server::tasks::create(&app, &actor, new).await.map_err(ssr::refuse)?.task;
    ssr::redirect(&format!("/tasks/{}", task.id));
    Ok(task)
}

/// Cancels a waiting task, or tells a running one to stop.
#[server(endpoint = "tasks/cancel")]
pub async fn cancel_task(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::cancel(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/tasks/{id}"));
    Ok(())
}

/// Runs a task of the dead letter again, with another payload where one is given.
#[server(endpoint = "tasks/retry")]
pub async fn retry_task(id: Uuid, #[server(default)] new: Replay) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let payload = new.read().map_err(|problem| ssr::refuse(problem.into()))?;
    let retried = server::tasks::retry(&app, &actor, id, payload).await.map_err(ssr::refuse);
    retried.map_err(|ApiError(problem)| ApiError(problem.gathered("payload")))?;
    ssr::redirect(&format!("/tasks/{id}"));
    Ok(())
}

/// Lets a task that waits for its start or its next attempt make it at once.
#[server(endpoint = "tasks/run_now")]
pub async fn run_task_now(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::run_now(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/tasks/{id}"));
    Ok(())
}

/// Queues the same once more as a new task, and goes to its page.
#[server(endpoint = "tasks/copy")]
pub async fn copy_task(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let task = server::tasks::copy(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/tasks/{}", task.id));
    Ok(())
}

/// Deletes a task that has ended, and goes to the list.
#[server(endpoint = "tasks/delete")]
pub async fn delete_task(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::delete(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect("/tasks");
    Ok(())
}

/// The queue as a whole, with graphs over a period.
#[server(name = LookAtQueue, endpoint = "tasks/operations")]
pub async fn operations(period: Period) -> Result<Operations, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::operate::operations(&app, &actor, period).await.map_err(ssr::refuse)
}

/// Pauses or resumes a type, sets its breaker, or runs a schedule; and goes back to the overview.
#[server(name = SubmitQueueCommand, endpoint = "tasks/command")]
pub async fn queue_command(new: QueueCommand) -> Result<(), ApiError> {
    use model::tasks::QueueAction;

    let (app, actor) = ssr::signed_in().await?;
    let (action, period) = (new.action, new.period.names().0);
    server::tasks::operate::command(&app, &actor, new).await.map_err(ssr::refuse)?;
    let done = match action {
        QueueAction::Pause => "type-paused",
        QueueAction::Resume => "type-resumed",
        QueueAction::OpenBreaker | QueueAction::CloseBreaker | QueueAction::FreeBreaker => "breaker-set",
        QueueAction::RunSchedule => "schedule-run",
        QueueAction::PauseSchedule => "schedule-paused",
        QueueAction::ResumeSchedule => "schedule-resumed",
    };
    ssr::redirect(&format!("/tasks/overview?period={period}&done={done}"));
    Ok(())
}

/// One schedule.
#[server(endpoint = "tasks/schedule")]
pub async fn get_schedule(id: Uuid) -> Result<Schedule, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::schedules::get(&app, &actor, id).await.map_err(ssr::refuse)
}

/// Changes when a schedule comes, and goes back to the overview.
#[server(name = SubmitTimes, endpoint = "tasks/set_times")]
pub async fn set_times(id: Uuid, new: ScheduleTimes) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::schedules::set_times(&app, &actor, id, new).await.map_err(ssr::refuse)?;
    ssr::redirect("/tasks/overview?done=schedule-changed");
    Ok(())
}

/// Deletes a schedule, and goes back to the overview.
#[server(name = DeleteSchedule, endpoint = "tasks/delete_schedule")]
pub async fn delete_schedule(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::schedules::delete(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect("/tasks/overview?done=schedule-deleted");
    Ok(())
}

/// The dead letter by error.
#[server(endpoint = "tasks/dead")]
pub async fn dead_groups() -> Result<Vec<DeadGroup>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::dead_groups(&app, &actor).await.map_err(ssr::refuse)
}

/// How many tasks an action would be for. As JSON, because it is no form.
#[server(endpoint = "tasks/preview_bulk", input = Json)]
pub async fn preview_bulk_tasks(wish: Bulk) -> Result<BulkAsked, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::bulk::bulk(&app, &actor, Bulk { dry_run: true, ..wish }).await.map_err(ssr::refuse)
}

/// Queues the task that acts on many tasks, and goes to its page.
#[server(name = SubmitBulkTasks, endpoint = "tasks/bulk")]
pub async fn bulk_tasks(new: Bulk) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let asked = server::tasks::bulk::bulk(&app, &actor, Bulk { dry_run: false, ..new }).await.map_err(ssr::refuse)?;
    if let Some(id) = asked.task_id {
        ssr::redirect(&format!("/tasks/{id}"));
    }
    Ok(())
}
