//! Into the queue from anywhere in the program: one task, many, a chain, a batch with a callback, in a transaction or for itself.

use chrono::Utc;
use model::Problem;
use model::rbac::{Action, Relation};
use model::tasks::{NewTask, Origin, TaskKind, TaskStatus};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use super::kinds::Stop;
use super::queue::{self, NewRow, Queued};
use crate::{Actor, App, Result, db};

/// Tasks that one request queues at most.
pub const MANY_AT_MOST: usize = 1000;

/// Refuses what no worker could run: limits, and the payload by its kind. Whether the type is registered, the queue knows.
pub fn check(app: &App, new: &NewTask) -> Result<(), Problem> {
    if app.kinds.is_internal(&new.task_type) {
        return Err(unknown_type("task_type"));
    }
    new.check(Utc::now())?;
    // Those that `model` knows have been checked by field.
    let kind = app.kinds.get(&new.task_type).filter(|_| TaskKind::by_name(&new.task_type).is_none());
    match kind.map_or(Ok(()), |kind| kind.check(&new.payload)) {
        Ok(()) => Ok(()),
        Err(Stop::Undecodable(_)) => Err(Problem::field("payload", "does not have the shape of this task type")),
        Err(_) => Err(Problem::field("payload", "is refused by this task type")),
    }
}

/// Refuses what only the server can judge: by its settings, or by who asks. After [`check`].
pub async fn admit(app: &App, actor: &Actor, new: &NewTask) -> Result<()> {
    if let Some(action) = TaskKind::by_name(&new.task_type).and_then(TaskKind::needs) {
        actor.require(action, Relation::Own)?;
    }
    match app.kinds.get(&new.task_type) {
        Some(kind) => kind.admit(&new.payload, app, actor).await,
        None => Ok(()),
    }
}

/// What became of a task that was to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    pub id: Uuid,
    /// No when its unique key led to a task that is there already.
    pub is_new: bool,
}

/// Queues a task and wakes a worker.
///
/// # Errors
/// A field problem when the type is not registered or takes no new tasks.
pub async fn enqueue(app: &App, owner: Option<Uuid>, new: NewTask) -> Result<Enqueued> {
    let mut tx = db::begin(&app.db).await?;
    let queued = enqueue_in(app, &mut tx, owner, new).await?;
    tx.commit().await?;
    queued.ring(app);
    Ok(queued.0)
}

/// Queues a task in the caller's transaction: it is there when that commits, and never was when it does not. Call [`Rings::ring`] after
/// the commit; without it a worker finds the task at its next poll.
///
/// # Errors
/// A field problem when the type is not registered or takes no new tasks.
pub async fn enqueue_in(app: &App, conn: &mut PgConnection, owner: Option<Uuid>, new: NewTask) -> Result<Rings> {
    let row = row_of(app, new, owner);
    let task_type = row.task_type.clone();
    let enqueued = match queue::insert(conn, row).await? {
        Queued::New(id) => Enqueued { id, is_new: true },
        Queued::Existing(id) => Enqueued { id, is_new: false },
        Queued::UnknownType => return Err(unknown_type("task_type").into()),
    };
    Ok(Rings(enqueued, owner, task_type))
}

/// A task that was queued but not yet told of.
#[derive(Clone, Debug)]
#[must_use = "ring after the commit, or the task waits for a poll"]
pub struct Rings(pub Enqueued, Option<Uuid>, String);

impl Rings {
    /// Notes what made the task, for people to look at; in the transaction that queues it.
    pub async fn came_from(&self, conn: &mut PgConnection, origin: &Origin) -> Result<()> {
        if self.0.is_new {
            queue::came_from(conn, self.0.id, origin).await?;
        }
        Ok(())
    }

    /// Wakes workers and tells pages.
    pub fn ring(&self, app: &App) {
        if !self.0.is_new {
            return;
        }
        app.bell.changed(self.0.id, self.1, TaskStatus::Pending);
        app.bell.ready(Call::types([&self.2]));
        app.bell.later();
    }
}

fn row_of(app: &App, new: NewTask, owner: Option<Uuid>) -> NewRow {
    let version = app.kinds.get(&new.task_type).map(|kind| kind.version);
    NewRow::of(new, version, owner)
}

fn unknown_type(field: &str) -> Problem {
    Problem::field(field, "this task type is not registered or not active")
}

/// Several tasks at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NewBatch {
    /// 1 to 1000 tasks, without unique keys.
    pub tasks: Vec<NewTask>,
    /// Run each only after the one before it has succeeded. When one is cancelled, so are those after it; when one fails for good, they
    /// wait for its replay.
    #[serde(default)]
    pub is_chain: bool,
    /// Run when all of them have ended, however that was.
    #[serde(default)]
    pub callback: Option<NewTask>,
}

/// The ids of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchQueued {
    /// In the order given.
    pub ids: Vec<Uuid>,
    pub callback_id: Option<Uuid>,
}

/// Queues many tasks for `actor`, all or none.
pub async fn create_many(app: &App, actor: &Actor, batch: NewBatch) -> Result<BatchQueued> {
    actor.require(Action::CreateTask, Relation::Own)?;
    check_batch(app, &batch)?;
    for (place, new) in in_places(&batch) {
        admit(app, actor, new).await.map_err(|error| error.within(&place))?;
    }
    let call = Call::types(batch.tasks.iter().map(|new| &new.task_type));
    let mut tx = db::begin(&app.db).await?;
    let queued = enqueue_many_in(app, &mut tx, Some(actor.id()), batch).await?;
    tx.commit().await?;
    for id in queued.ids.iter().chain(&queued.callback_id) {
        app.bell.changed(*id, Some(actor.id()), TaskStatus::Pending);
    }
    app.bell.ready(call);
    app.bell.later();
    Ok(queued)
}

/// Each task with its place in a refusal.
fn in_places(batch: &NewBatch) -> impl Iterator<Item = (String, &NewTask)> {
    let places = batch.tasks.iter().enumerate().map(|(place, new)| (format!("tasks[{place}]"), new));
    places.chain(batch.callback.iter().map(|new| ("callback".to_owned(), new)))
}

fn check_batch(app: &App, batch: &NewBatch) -> Result<(), Problem> {
    if !(1..=MANY_AT_MOST).contains(&batch.tasks.len()) {
        return Err(Problem::field("tasks", format!("must be 1 to {MANY_AT_MOST}")));
    }
    let mut fields = Vec::new();
    for (place, new) in in_places(batch) {
        let refused = check(app, new).err().map(|problem| problem.fields()).unwrap_or_default();
        fields.extend(refused.into_iter().map(|mut field| {
            field.field = format!("{place}.{}", field.field);
            field
        }));
        if new.unique_key.is_some() {
            fields.push(model::FieldProblem::new(format!("{place}.unique_key"), "is not for tasks of a batch"));
        }
    }
    if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
}

/// Queues many tasks in the caller's transaction, all or none. Ring after the commit, by `app.bell.ready(Call::types(…))`, or they wait for a poll.
///
/// # Errors
/// A field problem when a type is not registered or takes no new tasks.
pub async fn enqueue_many_in(
    app: &App,
    conn: &mut PgConnection,
    owner: Option<Uuid>,
    batch: NewBatch,
) -> Result<BatchQueued> {
    let mut rows: Vec<_> = batch.tasks.into_iter().map(|new| row_of(app, new, owner)).collect();
    if batch.is_chain {
        rows.iter_mut().skip(1).for_each(|row| row.waits_for = 1);
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let callback = batch.callback.map(|new| {
        let mut row = row_of(app, new, owner);
        row.waits_for = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        row
    });
    let callback_id = callback.as_ref().map(|row| row.id);
    rows.extend(callback);
    let inserted = queue::insert_all(conn, &rows).await?;
    if let Some(place) = rows.iter().position(|row| !inserted.contains(&row.id)) {
        let field = if place < ids.len() { format!("tasks[{place}].task_type") } else { "callback.task_type".into() };
        return Err(unknown_type(&field).into());
    }
    if batch.is_chain {
        for step in ids.windows(2) {
            queue::block(conn, &step[..1], step[1], true).await?;
        }
    }
    if let Some(callback_id) = callback_id {
        queue::block(conn, &ids, callback_id, false).await?;
    }
    Ok(BatchQueued { ids, callback_id })
}
