//! What can be seen of the queue from outside, of the model and of the database in the same words.

use std::collections::{BTreeMap, BTreeSet};

use model::tasks::{DeadReason, TaskStatus};
use serde::Deserialize;
use uuid::Uuid;

use super::commands::LIMITED;
use super::engine::Engine;
use super::model::{Figures, Model, Place, Task};

/// Where a task stands, and its numbers. Those that nobody keeps of an ended task are 0.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub place: Place,
    pub kind: usize,
    pub priority: usize,
    pub attempts: i32,
    pub max_attempts: i32,
    pub rescues: i32,
    pub epoch: i32,
    pub told_to_stop: bool,
    pub errors: usize,
}

/// All that can be seen.
#[derive(Debug, PartialEq)]
pub struct View {
    pub tasks: BTreeMap<usize, Seen>,
    /// For whom a task that is alive waits.
    pub waits: BTreeSet<(usize, usize, bool)>,
    pub workers: BTreeSet<usize>,
    /// The count of the limited type.
    pub running: usize,
    /// By type.
    pub figures: BTreeMap<usize, Figures>,
    pub stats: BTreeMap<&'static str, i64>,
}

impl View {
    pub fn of_model(model: &Model) -> Self {
        let is_seen = |task: &Task| task.place != Place::Gone;
        let tasks: BTreeMap<_, _> = model
            .tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| is_seen(task))
            .map(|(id, task)| (id, seen(model, task)))
            .collect();
        let waits = model.waits.iter().filter(|(_, id, _)| model.tasks[*id].place.is_alive()).copied().collect();
        let workers = (0..model.workers.len()).filter(|at| model.workers[*at].is_member).collect();
        let mut figures = BTreeMap::<_, Figures>::new();
        for ((kind, _), of_moment) in &model.figures {
            let sums = figures.entry(*kind).or_default();
            sums.iter_mut().zip(of_moment).for_each(|(sum, one)| *sum += one);
        }
        let stats = stats_of(&tasks);
        Self { tasks, waits, workers, running: model.running_of(LIMITED), figures, stats }
    }

    pub async fn of_engine(engine: &Engine<'_>) -> server::Result<(Self, BTreeMap<usize, i64>)> {
        let rows = engine.look().await?;
        let numbers = rows.alive.iter().map(|row| (engine.task(row.id), row.seq)).collect();
        let mut tasks = BTreeMap::new();
        let mut alive = BTreeSet::new();
        for row in &rows.alive {
            alive.insert(row.id);
            tasks.insert(engine.task(row.id), row.seen(engine));
        }
        for row in &rows.ended {
            assert!(tasks.insert(engine.task(row.id), row.seen(engine)).is_none(), "{row:?} is there twice");
        }
        for row in &rows.dead {
            assert!(tasks.insert(engine.task(row.id), row.seen(engine)).is_none(), "{row:?} is there twice");
        }
        let waits = rows.waits.iter().filter(|(_, id, _)| alive.contains(id));
        let view = Self {
            tasks,
            waits: waits.map(|(one, other, needs)| (engine.task(*one), engine.task(*other), *needs)).collect(),
            workers: rows.workers.iter().map(|id| engine.worker(*id)).collect(),
            running: rows.running[&engine.types[LIMITED]],
            figures: rows.figures.iter().map(|(kind, figures)| (engine.kind(*kind), *figures)).collect(),
            stats: engine.stats().await?,
        };
        Ok((view, numbers))
    }
}

fn seen(model: &Model, task: &Task) -> Seen {
    let is_dead = matches!(task.place, Place::Dead(_));
    let is_kept = task.place.is_alive() || is_dead;
    Seen {
        place: match task.place {
            Place::Waiting(until) => Place::Waiting(until - model.now),
            other => other,
        },
        kind: task.kind,
        priority: task.priority,
        attempts: task.attempts,
        max_attempts: task.max_attempts,
        rescues: if is_kept { task.rescues } else { 0 },
        epoch: if is_kept { task.epoch } else { 0 },
        told_to_stop: task.place.is_alive() && task.told_to_stop,
        errors: task.errors,
    }
}

fn stats_of(tasks: &BTreeMap<usize, Seen>) -> BTreeMap<&'static str, i64> {
    let mut stats: BTreeMap<_, _> =
        ["total", "pending", "running", "retrying", "completed", "failed", "cancelled"].map(|name| (name, 0)).into();
    for task in tasks.values() {
        let name = match task.place {
            Place::Running(_) => "running",
            Place::Completed => "completed",
            Place::Cancelled => "cancelled",
            Place::Dead(_) => "failed",
            _ if task.attempts > 0 => "retrying",
            _ => "pending",
        };
        *stats.entry(name).or_default() += 1;
        *stats.entry("total").or_default() += 1;
    }
    stats
}

/// What `look.sql` tells.
#[derive(Debug, Deserialize)]
pub struct Rows {
    alive: Vec<Alive>,
    ended: Vec<EndedRow>,
    dead: Vec<Dead>,
    waits: Vec<(Uuid, Uuid, bool)>,
    workers: Vec<i64>,
    running: BTreeMap<i32, usize>,
    figures: Vec<(i32, Figures)>,
}

#[derive(Debug, Deserialize)]
struct Alive {
    id: Uuid,
    kind: i32,
    priority: usize,
    seq: i64,
    worker: Option<i64>,
    blocked_by: usize,
    left: Option<i64>,
    attempts: i32,
    max_attempts: i32,
    rescues: i32,
    epoch: i32,
    told_to_stop: bool,
    errors: usize,
}

impl Alive {
    fn seen(&self, engine: &Engine<'_>) -> Seen {
        let place = match (self.worker, self.left) {
            (Some(worker), _) => Place::Running(engine.worker(worker)),
            (None, Some(left)) => Place::Waiting(left),
            (None, None) if self.blocked_by > 0 => Place::Blocked(self.blocked_by),
            (None, None) => Place::Ready,
        };
        Seen {
            place,
            kind: engine.kind(self.kind),
            priority: self.priority,
            attempts: self.attempts,
            max_attempts: self.max_attempts,
            rescues: self.rescues,
            epoch: self.epoch,
            told_to_stop: self.told_to_stop,
            errors: self.errors,
        }
    }
}

#[derive(Debug, Deserialize)]
struct EndedRow {
    id: Uuid,
    kind: i32,
    priority: usize,
    status: TaskStatus,
    attempts: i32,
    max_attempts: i32,
    errors: usize,
}

impl EndedRow {
    fn seen(&self, engine: &Engine<'_>) -> Seen {
        Seen {
            place: if self.status == TaskStatus::Completed { Place::Completed } else { Place::Cancelled },
            kind: engine.kind(self.kind),
            priority: self.priority,
            attempts: self.attempts,
            max_attempts: self.max_attempts,
            rescues: 0,
            epoch: 0,
            told_to_stop: false,
            errors: self.errors,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Dead {
    id: Uuid,
    kind: i32,
    priority: usize,
    reason: DeadReason,
    attempts: i32,
    max_attempts: i32,
    rescues: i32,
    epoch: i32,
    errors: usize,
}

impl Dead {
    fn seen(&self, engine: &Engine<'_>) -> Seen {
        Seen {
            place: Place::Dead(self.reason),
            kind: engine.kind(self.kind),
            priority: self.priority,
            attempts: self.attempts,
            max_attempts: self.max_attempts,
            rescues: self.rescues,
            epoch: self.epoch,
            told_to_stop: false,
            errors: self.errors,
        }
    }
}
