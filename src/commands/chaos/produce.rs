//! Who puts tasks into the queue, takes some back, and holds types back, while everything breaks.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use model::tasks::{NewTask, Priority};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;
use server::db;
use server::tasks::queue::{self, NewRow};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Scene;
use super::worker::{Behaviour, Payload};

/// Tasks that may wait at the most.
const BACKLOG: i64 = 400;

/// What the producers know of their tasks.
#[derive(Clone, Debug, Default)]
pub struct Produced {
    /// The commit was confirmed.
    pub committed: HashSet<Uuid>,
    pub rolled_back: HashSet<Uuid>,
    /// The commit was asked for, and the answer was lost.
    pub unsure: HashSet<Uuid>,
}

/// Producers at work.
pub struct Producing(JoinSet<Produced>);

/// Starts two producers, one who cancels, and one who pauses.
pub fn start(scene: &Scene, seed: u64) -> Producing {
    let mut all = JoinSet::new();
    for number in 0..2 {
        all.spawn(produce(scene.clone(), StdRng::seed_from_u64(seed ^ (0x70 + number))));
    }
    all.spawn(cancel(scene.clone(), StdRng::seed_from_u64(seed ^ 0xCA)));
    all.spawn(pause(scene.clone(), StdRng::seed_from_u64(seed ^ 0xBA)));
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
        }
        Ok(sum)
    }
}

async fn produce(scene: Scene, mut rng: StdRng) -> Produced {
    let mut produced = Produced::default();
    while scene.pause(Duration::from_millis(rng.random_range(10..80))).await {
        if is_full(&scene).await {
            continue;
        }
        let many = [1, 1, 2, 6].choose(&mut rng).copied().unwrap_or(1);
        let rows: Vec<_> = (0..many).map(|_| row(&mut rng)).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let rolls_back = rng.random_bool(0.1);
        match enqueue(&scene, &rows, rolls_back).await {
            Ok(()) if rolls_back => produced.rolled_back.extend(ids),
            Ok(()) => produced.committed.extend(ids),
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

async fn enqueue(scene: &Scene, rows: &[NewRow], rolls_back: bool) -> sqlx::Result<()> {
    let mut tx = db::begin(scene.db()).await?;
    queue::insert_all(&mut tx, rows).await?;
    if rolls_back {
        return tx.rollback().await;
    }
    tx.commit().await?;
    scene.app.bell.ready();
    Ok(())
}

fn row(rng: &mut StdRng) -> NewRow {
    let behaviour = match rng.random_range(0..1000) {
        0..430 => Behaviour::Quick,
        430..580 => Behaviour::Slow,
        580..760 => Behaviour::FailsFirst,
        760..800 => Behaviour::Snoozes,
        800..830 => Behaviour::Panics,
        830..860 => Behaviour::Blocks,
        860..880 => Behaviour::Allocates,
        880..980 => Behaviour::Effect,
        980..998 => Behaviour::Fatal,
        _ => Behaviour::Aborts,
    };
    let task_type = match rng.random_range(0..10) {
        0..8 => "chaos_free",
        8 => "chaos_limited",
        _ => "chaos_serial",
    };
    // Mostly short, so that places are free; some longer than a lease. What runs one at a time must not hold the others up for long.
    let longest = match task_type {
        "chaos_free" => [300, 1500, 1500, 1500, 4500].choose(rng).copied().unwrap_or(300),
        _ => 100,
    };
    let payload = Payload { behaviour, millis: rng.random_range(1..longest) };
    let later =
        rng.random_bool(0.1).then(|| chrono::Utc::now() + chrono::TimeDelta::milliseconds(rng.random_range(1..3000)));
    let new = NewTask {
        task_type: task_type.into(),
        payload: json!(payload),
        priority: Priority::ALL.choose(rng).copied(),
        scheduled_at: later,
        ..NewTask::default()
    };
    NewRow::of(new, None, None)
}

async fn cancel(scene: Scene, mut rng: StdRng) -> Produced {
    while scene.pause(Duration::from_millis(rng.random_range(50..400))).await {
        if cancel_one(&scene).await.is_ok_and(|is_done| is_done) {
            scene.did("tasks cancelled");
        }
    }
    Produced::default()
}

async fn cancel_one(scene: &Scene) -> server::Result<bool> {
    let newest = sqlx::query_scalar!("select id from tasks order by id desc limit 1");
    let Some(id) = newest.fetch_optional(scene.db()).await? else { return Ok(false) };
    let mut tx = db::begin(scene.db()).await?;
    let ended = queue::cancel(&mut tx, id, None).await?;
    tx.commit().await?;
    if ended.iter().any(|one| one.id == id && one.status == model::tasks::TaskStatus::Running) {
        scene.app.bell.told_to_stop(id, None);
    }
    Ok(!ended.is_empty())
}

/// Pauses a type for a moment; in the calm nothing stays paused.
async fn pause(scene: Scene, mut rng: StdRng) -> Produced {
    while scene.pause(Duration::from_secs(rng.random_range(3..8))).await {
        if set_paused(&scene, true).await.is_ok() {
            scene.did("pauses of a type");
        }
        scene.pause(Duration::from_millis(rng.random_range(200..1500))).await;
        while set_paused(&scene, false).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Produced::default()
}

async fn set_paused(scene: &Scene, is_paused: bool) -> server::Result<()> {
    let mut conn = scene.db().acquire().await?;
    if is_paused {
        queue::pause(&mut conn, "chaos_limited", "torture", Uuid::nil()).await?;
    } else {
        queue::resume(&mut conn, "chaos_limited").await?;
    }
    Ok(())
}
