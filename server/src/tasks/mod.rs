//! Background tasks: the verbs behind every door, the queue, and the worker.

pub mod kinds;
pub mod live;
pub mod queue;
pub mod routes;
pub mod worker;

use chrono::Utc;
use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::tasks::{NewTask, Task, TaskFilter, TaskStats, TaskStatus, TaskType};
use model::{Page, PageRequest, Problem};
use uuid::Uuid;

use crate::{Actor, App, Result};

pub use live::Live;

/// Queues a task for `actor` and returns it as stored.
pub async fn create(app: &App, actor: &Actor, new: NewTask) -> Result<Task> {
    actor.require(Action::CreateTask, Relation::Own)?;
    new.check(Utc::now())?;

    let mut conn = app.db.acquire().await?;
    let task = queue::insert(&mut conn, actor.id(), &new).await?;
    Ok(task.ok_or_else(|| Problem::field("task_type", "this task type is not registered or not active"))?)
}

/// One task; a stranger's is not found.
pub async fn get(app: &App, actor: &Actor, id: Uuid) -> Result<Task> {
    actor.require(Action::ReadTask, Relation::Own)?;
    let task = queue::get(&app.db, id, actor.limited_to(Action::ReadTask)).await?;
    Ok(task.ok_or(Problem::NotFound { what: Thing::Task })?)
}

/// The actor's tasks, or everybody's where the permission table allows it; the newest first.
pub async fn list(app: &App, actor: &Actor, filter: &TaskFilter, page: PageRequest) -> Result<Page<Task>> {
    actor.require(Action::ReadTask, Relation::Own)?;
    let owner = actor.limited_to(Action::ReadTask);
    let limit = page.limit()?;
    // One row more than asked for tells whether there is a next part.
    let window = queue::Window { after: page.after, offset: page.offset()?, limit: limit + 1 };

    let total = queue::count(&app.db, owner, filter).await?;
    let mut items = queue::list(&app.db, owner, filter, &window).await?;
    let has_more = items.len() as i64 == window.limit;
    if has_more {
        items.pop();
    }
    let next = items.last().filter(|_| has_more).map(|task| task.id);
    Ok(Page { items, total, next })
}

/// How many of the actor's tasks stand where, or of everybody's where the permission table allows it.
pub async fn overview(app: &App, actor: &Actor) -> Result<TaskStats> {
    actor.require(Action::ReadTask, Relation::Own)?;
    queue::stats(&app.db, actor.limited_to(Action::ReadTask)).await
}

/// How many tasks stand where, over all users.
pub async fn stats(app: &App, actor: &Actor) -> Result<TaskStats> {
    actor.require(Action::ReadTaskStats, Relation::Other)?;
    queue::stats(&app.db, None).await
}

/// The registered task types, by name. Public.
pub async fn types(app: &App) -> Result<Vec<TaskType>> {
    queue::types(&app.db).await
}

/// Cancels a waiting task at once and tells a running one to stop; the answer is where it stands now.
pub async fn cancel(app: &App, actor: &Actor, id: Uuid) -> Result<TaskStatus> {
    actor.require(Action::CancelTask, Relation::Own)?;
    if let Some(status) = queue::cancel(&app.db, id, actor.limited_to(Action::CancelTask)).await? {
        return Ok(status);
    }
    get(app, actor, id).await?;
    Err(Problem::Unreadable { message: "The task has already ended".into() }.into())
}
