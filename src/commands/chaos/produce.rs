//! Who puts tasks into the queue, takes some back, and holds types back, while everything breaks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use model::tasks::{BreakerState, NewTask, Priority};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;
use server::db;
use server::tasks::enqueue::enqueue_many_in;
use server::tasks::queue::{self, NewRow};
use server::tasks::{Call, NewBatch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Scene;
use super::worker::{Behaviour, MISBEHAVIOURS, Payload};

/// Tasks that may wait at the most.
const BACKLOG: i64 = 400;
/// Unique keys that are asked for.
const KEYS: u32 = 12;

/// What the producers know of their tasks.
#[derive(Clone, Debug, Default)]
pub struct Produced {
    /// The commit was confirmed.
    pub committed: HashSet<Uuid>,
    pub rolled_back: HashSet<Uuid>,
    /// The commit was asked for, and the answer was lost.
    pub unsure: HashSet<Uuid>,
    /// Tasks of the serial kind, in the order in which one transaction queued them.
    pub in_order: Vec<Vec<Uuid>>,
    /// Somebody tried to cancel them, and so held a lock on them for a while.
    pub touched: HashSet<Uuid>,
}

/// Producers at work.
pub struct Producing(JoinSet<Produced>);

/// Starts two producers, one who cancels, one who holds a type back, and one who takes down what another depends on by making the file `down`.
pub fn start(scene: &Scene, seed: u64, down: &Path) -> Producing {
    let mut all = JoinSet::new();
    for number in 0..2 {
        // Each once before the dice choose, so that also a short run has them; what blocks, for longer than a lease.
        let harmful = |one: Behaviour| new_task("chaos_free", Payload { millis: 4000, ..one.into() });
        let first = if number == 0 { MISBEHAVIOURS.map(harmful).into() } else { Vec::new() };
        all.spawn(produce(scene.clone(), StdRng::seed_from_u64(seed ^ (0x70 + number)), first));
    }
    all.spawn(cancel(scene.clone(), StdRng::seed_from_u64(seed ^ 0xCA)));
    all.spawn(hold_back(scene.clone(), StdRng::seed_from_u64(seed ^ 0xBA)));
    all.spawn(go_down(scene.clone(), down.to_owned(), StdRng::seed_from_u64(seed ^ 0xD0)));
    Producing(all)
}

impl Producing {
    /// Waits until all have stopped, and adds up what they know.
    pub async fn finish(mut self) -> Result<Produced> {
        let mut sum = Produced::default();
        while let Some(one) = self.0.join_next().await {
            let one = one?;
            sum.committed.extend(one.committed);
            sum.rolled_back.extend(one.rolled_back);
            sum.unsure.extend(one.unsure);
            sum.in_order.extend(one.in_order);
            sum.touched.extend(one.touched);
        }
        Ok(sum)
    }
}

async fn produce(scene: Scene, mut rng: StdRng, mut first: Vec<NewTask>) -> Produced {
    let mut produced = Produced::default();
    while scene.pause(Duration::from_millis(rng.random_range(10..80))).await {
        if is_full(&scene).await {
            continue;
        }
        if rng.random_bool(0.05) {
            match batch(&scene, &mut rng).await {
                Ok(queued) => produced.committed.extend(queued),
                Err(ids) => produced.unsure.extend(ids),
            }
            continue;
        }
        let many = [1, 1, 2, 6].choose(&mut rng).copied().unwrap_or(1);
        let is_first = !first.is_empty();
        let is_in_order = !is_first && rng.random_bool(0.1);
        let rolls_back = !is_first && rng.random_bool(0.1);
        let tasks = match is_in_order {
            true => serial_tasks(&mut rng),
            false if is_first => first.clone(),
            false => (0..many).map(|_| task(&mut rng)).collect(),
        };
        let rows: Vec<_> = tasks.into_iter().map(|new| NewRow::of(new, None, None)).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        match enqueue(&scene, &rows, rolls_back).await {
            Ok(_) if rolls_back => produced.rolled_back.extend(ids),
            // Without those whose unique key was taken.
            Ok(queued) => {
                first.clear();
                if is_in_order {
                    produced.in_order.push(queued.clone());
                }
                produced.committed.extend(queued);
            }
            // Nobody knows how far it came.
            Err(_) if rolls_back => produced.rolled_back.extend(ids),
            Err(_) => produced.unsure.extend(ids),
        }
    }
    produced
}

/// Whether so much waits already that the workers would not come to its end in the calm. A database that is away is not full.
async fn is_full(scene: &Scene) -> bool {
    let some =
        sqlx::query_scalar!(r#"select count(*) as "count!" from (select 1 from tasks limit $1) as waiting"#, BACKLOG);
    some.fetch_one(scene.db()).await.is_ok_and(|count| count >= BACKLOG)
}

async fn enqueue(scene: &Scene, rows: &[NewRow], rolls_back: bool) -> sqlx::Result<Vec<Uuid>> {
    let mut tx = db::begin(scene.db()).await?;
    let queued = queue::insert_all(&mut tx, rows).await?;
    if rolls_back {
        tx.rollback().await?;
        return Ok(queued);
    }
    tx.commit().await?;
    scene.app.bell.ready(Call::types(rows.iter().map(|row| &row.task_type)));
    Ok(queued)
}

/// A few, and one that waits until they have ended, however that was. In the error are those of which nobody knows.
async fn batch(scene: &Scene, rng: &mut StdRng) -> Result<Vec<Uuid>, Vec<Uuid>> {
    let members = std::iter::repeat_with(|| task(rng)).filter(|new| new.unique_key.is_none()).take(3).collect();
    let callback = new_task("chaos_free", Behaviour::Quick.into());
    let batch = NewBatch { tasks: members, callback: Some(callback), ..NewBatch::default() };
    let call = Call::types(batch.tasks.iter().map(|new| &new.task_type));
    let Ok(mut tx) = db::begin(scene.db()).await else { return Err(Vec::new()) };
    let Ok(queued) = enqueue_many_in(&scene.app, &mut tx, None, batch).await else { return Err(Vec::new()) };
    let ids: Vec<_> = queued.ids.into_iter().chain(queued.callback_id).collect();
    match tx.commit().await {
        Ok(()) => {
            scene.did("batches with a callback");
            scene.app.bell.ready(call);
            Ok(ids)
        }
        Err(_) => Err(ids),
    }
}

/// A few that must begin one after the other.
fn serial_tasks(rng: &mut StdRng) -> Vec<NewTask> {
    (0..rng.random_range(2..5)).map(|_| new_task("chaos_serial", Behaviour::Quick.into())).collect()
}

fn new_task(task_type: &str, payload: Payload) -> NewTask {
    NewTask { task_type: task_type.into(), payload: json!(payload), ..NewTask::default() }
}

fn task(rng: &mut StdRng) -> NewTask {
    let behaviour = match rng.random_range(0..1000) {
        0..300 => Behaviour::Quick,
        300..430 => Behaviour::Slow,
        430..760 => Behaviour::FailsFirst,
        760..800 => Behaviour::Snoozes,
        800..830 => Behaviour::Panics,
        830..860 => Behaviour::Blocks,
        860..880 => Behaviour::Allocates,
        880..980 => Behaviour::Effect,
        980..997 => Behaviour::Fatal,
        997..999 => Behaviour::Aborts,
        _ => Behaviour::Overflows,
    };
    let (task_type, behaviour) = match rng.random_range(0..12) {
        0..8 => ("chaos_free", behaviour),
        8 => ("chaos_limited", behaviour),
        9 => ("chaos_serial", behaviour),
        10 => ("chaos_unique", behaviour),
        _ => ("chaos_dependent", Behaviour::Depends),
    };
    // Mostly short, so that places are free; some longer than a lease. What runs one at a time must not hold the others up for long.
    let longest = match task_type {
        "chaos_free" | "chaos_unique" => [300, 1500, 1500, 1500, 4500].choose(rng).copied().unwrap_or(300),
        _ => 100,
    };
    let key = (task_type == "chaos_unique").then(|| rng.random_range(0..KEYS).to_string());
    let later =
        rng.random_bool(0.1).then(|| chrono::Utc::now() + chrono::TimeDelta::milliseconds(rng.random_range(1..3000)));
    let payload = Payload { behaviour, millis: rng.random_range(1..longest), key: key.clone() };
    // The second attempt must begin soon, to meet what is still on its way from the first one.
    let is_urgent = behaviour == Behaviour::FailsFirst;
    let priority = if is_urgent { Some(Priority::Critical) } else { Priority::ALL.choose(rng).copied() };
    NewTask { priority, scheduled_at: later, unique_key: key, ..new_task(task_type, payload) }
}

async fn cancel(scene: Scene, mut rng: StdRng) -> Produced {
    let mut touched = HashSet::new();
    while scene.pause(Duration::from_millis(rng.random_range(50..400))).await {
        if cancel_one(&scene, &mut touched).await.is_ok_and(|is_done| is_done) {
            scene.did("tasks cancelled");
        }
    }
    Produced { touched, ..Produced::default() }
}

async fn cancel_one(scene: &Scene, touched: &mut HashSet<Uuid>) -> server::Result<bool> {
    let newest = sqlx::query_scalar!("select id from tasks order by id desc limit 1");
    let Some(id) = newest.fetch_optional(scene.db()).await? else { return Ok(false) };
    touched.insert(id);
    let mut tx = db::begin(scene.db()).await?;
    let ended = queue::cancel(&mut tx, id, None).await?;
    tx.commit().await?;
    if ended.iter().any(|one| one.id == id && one.status == model::tasks::TaskStatus::Running) {
        scene.app.bell.told_to_stop(id, None);
    }
    Ok(!ended.is_empty())
}

/// Pauses a type for a moment, or opens its breaker by hand; in the calm nothing stays so.
async fn hold_back(scene: Scene, mut rng: StdRng) -> Produced {
    while scene.pause(Duration::from_secs(rng.random_range(3..8))).await {
        let by = if rng.random_bool(0.5) { HeldBack::Paused } else { HeldBack::Opened };
        if set_held_back(&scene, by, true).await.is_ok() {
            scene.did(by.words());
        }
        scene.pause(Duration::from_millis(rng.random_range(200..5000))).await;
        while set_held_back(&scene, by, false).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Produced::default()
}

#[derive(Clone, Copy)]
enum HeldBack {
    Paused,
    Opened,
}

impl HeldBack {
    fn words(self) -> &'static str {
        match self {
            Self::Paused => "pauses of a type",
            Self::Opened => "breakers opened by hand",
        }
    }
}

async fn set_held_back(scene: &Scene, by: HeldBack, is_held_back: bool) -> server::Result<()> {
    let mut conn = scene.db().acquire().await?;
    match (by, is_held_back) {
        (HeldBack::Paused, true) => queue::pause(&mut conn, "chaos_limited", "torture", Uuid::nil()).await.map(drop),
        (HeldBack::Paused, false) => queue::resume(&mut conn, "chaos_limited").await.map(drop),
        (HeldBack::Opened, true) => {
            queue::force_breaker(&mut conn, "chaos_free", Some(BreakerState::Open)).await.map(drop)
        }
        (HeldBack::Opened, false) => queue::force_breaker(&mut conn, "chaos_free", None).await.map(drop),
    }
}

/// Takes down what the dependent kind depends on, for a few seconds.
async fn go_down(scene: Scene, file: PathBuf, mut rng: StdRng) -> Produced {
    while scene.pause(Duration::from_secs(rng.random_range(10..20))).await {
        if std::fs::write(&file, "").is_ok() {
            scene.did("times that a dependency went down");
        }
        scene.pause(Duration::from_secs(rng.random_range(2..6))).await;
        drop(std::fs::remove_file(&file));
    }
    Produced::default()
}
