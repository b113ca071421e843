//! Background tasks: the verbs behind every door, the queue, and the worker.

pub mod bell;
pub mod bulk;
pub mod call;
pub mod enqueue;
pub mod kinds;
pub mod live;
pub mod operate;
pub mod queue;
pub mod routes;
pub mod schedules;
pub mod testing;
pub mod worker;

use std::collections::HashMap;

use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::tasks::{
    DeadGroup, Delivery, NewTask, Origin, Task, TaskFilter, TaskKind, TaskListed, TaskSeen, TaskStats, TaskStatus,
    TaskType,
};
use model::{Page, PageRequest, Problem, page};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use self::kinds::report;
use self::kinds::webhook::deliveries;
use crate::audit::{self, Subject};
use crate::{Actor, App, Result, db, users};

pub use bell::Bell;
pub use call::Call;
pub use enqueue::{NewBatch, Rings, enqueue, enqueue_in};
pub use live::Live;
pub use worker::since_boot;

/// A task that was queued, or the one that its unique key led to.
#[derive(Debug)]
pub struct Created {
    pub task: Task,
    pub is_new: bool,
}

/// Queues a task for `actor` and returns it as stored. With a unique key that is taken, the task that has it; a stranger's is a conflict.
pub async fn create(app: &App, actor: &Actor, new: NewTask) -> Result<Created> {
    create_from(app, actor, new, None).await
}

async fn create_from(app: &App, actor: &Actor, new: NewTask, origin: Option<Origin>) -> Result<Created> {
    actor.require(Action::CreateTask, Relation::Own)?;
    enqueue::check(app, &new)?;
    enqueue::admit(app, actor, &new).await?;

    let mut tx = db::begin(&app.db).await?;
    let queued = enqueue::enqueue_in(app, &mut tx, Some(actor.id()), new).await?;
    if let Some(origin) = origin {
        queued.came_from(&mut tx, &origin).await?;
    }
    // Before the commit: a worker may be faster than a look afterwards, and its type may keep no history.
    let found = queue::get(&mut *tx, queued.0.id, actor.limited_to(Action::ReadTask)).await?;
    let task = found.ok_or_else(|| Problem::Conflict { message: "This unique key is taken".into() })?;
    tx.commit().await?;
    queued.ring(app);
    Ok(Created { task, is_new: queued.0.is_new })
}

/// One task; a stranger's is not found.
pub async fn get(app: &App, actor: &Actor, id: Uuid) -> Result<Task> {
    actor.require(Action::ReadTask, Relation::Own)?;
    let task = queue::get(&app.db, id, actor.limited_to(Action::ReadTask)).await?;
    let mut task = task.ok_or(Problem::NotFound { what: Thing::Task })?;
    if !task.errors.is_empty() && actor.may(Action::ReadTraces, Relation::Other) {
        for one in queue::traces(&app.db, id).await? {
            let failed = task.errors.iter_mut().find(|failed| failed.at == one.at);
            failed.into_iter().for_each(|failed| failed.trace = Some(one.trace.clone()));
        }
    }
    Ok(task)
}

/// The tries to deliver a webhook, the newest first; a stranger's task is not found.
pub async fn deliveries(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<Delivery>> {
    get(app, actor, id).await?;
    deliveries::list(&app.db, id).await
}

/// The file that the task left for its owner; nobody else has one, moderators neither.
pub async fn file(app: &App, actor: &Actor, id: Uuid) -> Result<report::Stored> {
    actor.require(Action::ReadTask, Relation::Own)?;
    Ok(report::get(&app.db, id, actor.id()).await?.ok_or(Problem::NotFound { what: Thing::Task })?)
}

/// The actor's tasks, or everybody's where the permission table allows it; the newest first.
pub async fn list(app: &App, actor: &Actor, filter: &TaskFilter, page: PageRequest) -> Result<Page<Task>> {
    actor.require(Action::ReadTask, Relation::Own)?;
    let owner = actor.limited_to(Action::ReadTask);
    filter.check()?;
    let limit = page.limit()?;
    let window = queue::Window { after: page.after, offset: page.offset()?, limit: limit + 1 };

    let mut tx = db::begin_reading(&app.db).await?;
    let Some(narrow) = queue::narrow(&mut tx, owner, filter).await? else {
        return Ok(Page { items: Vec::new(), total: 0, next: None });
    };
    let found = queue::found(&mut tx, &narrow, page.after).await?;
    // To look once more for what is not there costs as much as to count it.
    let is_empty = found.tasks == 0 && found.last.is_none();
    let mut items = if is_empty { Vec::new() } else { queue::list(&mut tx, &narrow, &window).await? };
    let next = page::cut(&mut items, limit, |task| task.id).or(found.last);
    Ok(Page { items, total: found.tasks, next })
}

/// The same with the names of the owners, for a page.
pub async fn listed(app: &App, actor: &Actor, filter: &TaskFilter, page: PageRequest) -> Result<Page<TaskListed>> {
    let Page { items, total, next } = list(app, actor, filter, page).await?;
    let names = owners(app, actor, &items).await?;
    let named = |task: Task| {
        let owner = task.created_by.and_then(|id| names.get(&id).cloned());
        TaskListed { task, owner }
    };
    Ok(Page { items: items.into_iter().map(named).collect(), total, next })
}

/// The names of the owners, for those who see other people's tasks: whoever does not knows whose they are.
async fn owners(app: &App, actor: &Actor, tasks: &[Task]) -> Result<HashMap<Uuid, String>> {
    let ids: Vec<_> = tasks.iter().filter_map(|task| task.created_by).collect();
    if ids.is_empty() || !actor.may(Action::ReadTask, Relation::Other) {
        return Ok(HashMap::new());
    }
    users::names(app, actor, &ids).await
}

/// A task with its owner's name, for those who see others, and what it has to do with other tasks; a stranger's are not among them.
pub async fn seen(app: &App, actor: &Actor, id: Uuid) -> Result<TaskSeen> {
    let task = get(app, actor, id).await?;
    let related = queue::related(&app.db, id, actor.limited_to(Action::ReadTask)).await?;
    let owner = owners(app, actor, std::slice::from_ref(&task)).await?.into_values().next();
    Ok(TaskSeen { task, owner, related, origin: queue::origin(&app.db, id).await? })
}

/// The dead letter by error: the actor's tasks, or everybody's where the permission table allows it.
pub async fn dead_groups(app: &App, actor: &Actor) -> Result<Vec<DeadGroup>> {
    actor.require(Action::ReadTask, Relation::Own)?;
    let mut tx = db::begin_reading(&app.db).await?;
    queue::dead_groups(&mut tx, actor.limited_to(Action::ReadTask)).await
}

/// The dead letter: tasks that failed for good.
pub async fn dead_letter(app: &App, actor: &Actor, page: PageRequest) -> Result<Page<Task>> {
    list(app, actor, &TaskFilter { status: Some(TaskStatus::Failed), ..TaskFilter::default() }, page).await
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

/// The registered task types that people can queue, by name. Public.
pub async fn types(app: &App) -> Result<Vec<TaskType>> {
    let mut types = queue::types(&app.db).await?;
    types.retain(|one| !app.kinds.is_internal(&one.task_type));
    Ok(types)
}

/// Cancels a waiting task at once and tells a running one to stop; the answer is where it stands now.
pub async fn cancel(app: &App, actor: &Actor, id: Uuid) -> Result<TaskStatus> {
    actor.require(Action::CancelTask, Relation::Own)?;
    let mut tx = db::begin(&app.db).await?;
    let ended = queue::cancel(&mut tx, id, actor.limited_to(Action::CancelTask)).await?;
    tx.commit().await?;
    let Some(status) = ended.iter().find(|one| one.id == id).map(|one| one.status) else {
        get(app, actor, id).await?;
        return Err(Problem::Unreadable { message: "The task has already ended".into() }.into());
    };
    if status == TaskStatus::Running {
        app.bell.told_to_stop(id, ended.iter().find(|one| one.id == id).and_then(|one| one.owner));
    }
    app.bell.ended(&ended);
    Ok(status)
}

/// Replays a task from the dead letter, with another payload where one is given: the same task again, with its attempts counted anew.
pub async fn retry(app: &App, actor: &Actor, id: Uuid, payload: Option<Value>) -> Result<()> {
    let permit = actor.require(Action::RetryTask, Relation::Own)?;
    let owner = actor.limited_to(Action::RetryTask);
    let mut tx = db::begin(&app.db).await?;
    let (task_type, reason) =
        queue::find_dead(&mut tx, id, owner).await?.ok_or(Problem::NotFound { what: Thing::Task })?;
    if let Some(action) = TaskKind::by_name(&task_type).and_then(TaskKind::needs) {
        actor.require(action, Relation::Own)?;
    }
    let is_edited = payload.is_some();
    let edited = match payload {
        None => None,
        Some(payload) => {
            let new = NewTask { task_type: task_type.clone(), payload, ..NewTask::default() };
            enqueue::check(app, &new)?;
            enqueue::admit(app, actor, &new).await?;
            Some(queue::Edited { payload: new.payload, version: app.kinds.get(&task_type).map(|kind| kind.version) })
        }
    };
    let replayed = queue::replay(&mut tx, id, owner, edited).await?.ok_or(Problem::NotFound { what: Thing::Task })?;
    let details = json!({"task_type": task_type, "reason": reason, "is_edited": is_edited});
    audit::record(&mut tx, actor, permit, "task.replay", Subject::Task(id), details).await?;
    tx.commit().await?;
    app.bell.changed(id, replayed.owner, TaskStatus::Pending);
    app.bell.ready(Call::types([task_type]));
    Ok(())
}

/// Lets a task that waits for its start or its next attempt make it at once; its attempts count on.
///
/// # Errors
/// Not found for a stranger's; for one that waits for no time, that it does not.
pub async fn run_now(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let permit = actor.require(Action::RetryTask, Relation::Own)?;
    let mut tx = db::begin(&app.db).await?;
    let hurried = queue::run_now(&mut tx, &[id], actor.limited_to(Action::RetryTask), None).await?;
    let Some(one) = hurried.into_iter().next() else {
        get(app, actor, id).await?;
        return Err(Problem::Unreadable { message: "The task does not wait for a time".into() }.into());
    };
    let details = json!({"task_type": one.task_type});
    audit::record(&mut tx, actor, permit, "task.run_now", Subject::Task(id), details).await?;
    tx.commit().await?;
    app.bell.changed(id, one.owner, one.status);
    app.bell.ready(Call::types([one.task_type]));
    Ok(())
}

/// Queues the same once more as a new task of `actor`: type, payload, priority and metadata; a stranger's task is not found.
pub async fn copy(app: &App, actor: &Actor, id: Uuid) -> Result<Task> {
    let Task { task_type, payload, priority, metadata, .. } = get(app, actor, id).await?;
    let metadata = serde_json::from_value(metadata).ok();
    let new = NewTask { task_type, payload, priority: Some(priority), metadata, ..NewTask::default() };
    Ok(create_from(app, actor, new, Some(Origin::task(id))).await?.task)
}

/// Deletes a task that has ended; one that has not is not found.
pub async fn delete(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let permit = actor.require(Action::DeleteTask, Relation::Own)?;
    let mut tx = db::begin(&app.db).await?;
    let deleted = queue::delete(&mut tx, id, actor.limited_to(Action::DeleteTask)).await?;
    let orphans = deleted.ok_or(Problem::NotFound { what: Thing::Task })?;
    forget(&mut tx, &[id]).await?;
    audit::record(&mut tx, actor, permit, "task.delete", Subject::Task(id), json!({})).await?;
    tx.commit().await?;
    app.bell.many_changed();
    app.bell.ended(&orphans);
    Ok(())
}

/// Forgets what tasks have left elsewhere, with the tasks themselves.
async fn forget(conn: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    deliveries::forget(conn, ids).await?;
    report::forget(conn, ids).await?;
    queue::forget_relations(conn, ids).await?;
    queue::forget_origins(conn, ids).await?;
    queue::forget_traces(conn, ids).await
}
