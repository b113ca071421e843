//! What is done to the queue, in any order. A number picks among what is there at that moment, the newest first, so that a sequence is
//! still one when proptest makes it shorter.

use model::tasks::{DeadReason, TaskStatus};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::model::{Claim, LEASE, Model, Place};

/// The types: one without side conditions, one that is limited, one that does not keep what was completed, one with a rate, one with a
/// breaker.
pub const KINDS: usize = 5;
pub const LIMITED: usize = 1;
pub const FORGETFUL: usize = 2;
pub const RATED: usize = 3;
pub const FRAGILE: usize = 4;
/// Those that need not be counted, the last one while its breaker is closed.
pub const PLAIN: [usize; 3] = [0, FORGETFUL, FRAGILE];
/// The most of the limited type that run at once.
pub const MAX_RUNNING: usize = 2;
/// The most of the rated type that start at once; one more may with each unit of time.
pub const BURST: i64 = 2;
/// The breaker opens at so many failures that are half of the attempts. Times are in units.
pub const FAILURES: i32 = 2;
pub const WINDOW: i64 = 3;
pub const COOLDOWN: i64 = 2;
pub const PROBES: i32 = 2;
/// Units of time that history and figures are kept. All that is done between two long times takes far less.
pub const KEPT: i64 = LONG / 2;
const LONG: i64 = 60 * 24 * 6;

/// A task as it is queued. Times are in units that are much longer than a test takes.
#[derive(Clone, Debug)]
pub struct New {
    pub kind: usize,
    pub priority: usize,
    pub delay: i64,
    pub max_attempts: i32,
    pub does: Does,
}

/// What an attempt of it does when a real worker makes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Does {
    Succeed,
    Fail,
    Snooze,
    Die,
}

/// A key, and for how long it counts; else for as long as the task is alive.
pub type Key = (u8, Option<i64>);

/// How an attempt ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Completed,
    Cancelled,
    Dead(DeadReason),
    Retry(i64),
    Snooze(i64),
    HandBack,
}

/// Which tasks a request to cancel or to delete is about, when there are such.
#[derive(Clone, Copy, Debug)]
pub enum Prefers {
    Any,
    Running,
    /// Something waits for them.
    First,
}

/// Tasks that something is done to together.
#[derive(Clone, Debug)]
pub struct Which {
    pub kind: Option<usize>,
    pub priority: Option<usize>,
    pub status: Option<TaskStatus>,
}

/// What people, workers and time do.
#[derive(Clone, Debug)]
pub enum Command {
    Enqueue(New, Option<Key>),
    Batch {
        tasks: Vec<New>,
        is_chain: bool,
        callback: Option<New>,
    },
    Join,
    Renew {
        worker: usize,
    },
    Leave {
        worker: usize,
    },
    /// Of the types that are not counted. `after_cursor`: from where the worker has read to, else from the start.
    Claim {
        worker: usize,
        limit: usize,
        quota: usize,
        turned: bool,
        after_cursor: bool,
    },
    ClaimCounted {
        worker: usize,
        kind: usize,
        limit: usize,
    },
    /// Claims of one worker, old ones too; by another worker when it is given. `stale`: of tasks that it has claimed again since.
    Settle {
        by: Option<usize>,
        stale: bool,
        ended: Vec<(usize, End)>,
    },
    /// A real worker comes, makes one attempt, and goes.
    Work,
    /// What the worker runs besides this claim was not heard of.
    Strays {
        worker: usize,
        held: usize,
    },
    Rescue,
    Cancel {
        task: usize,
        prefers: Prefers,
    },
    CancelOrphans,
    CancelAll(Which),
    Delete {
        task: usize,
        prefers: Prefers,
    },
    Replay {
        task: usize,
    },
    ReplayAll(Which),
    RunNow {
        task: usize,
    },
    RunAllNow(Which),
    Pause {
        kind: usize,
    },
    Resume {
        kind: usize,
    },
    /// The breaker, by hand; with none it counts by itself again.
    Force {
        is_open: Option<bool>,
    },
    /// Tells the breaker, while it is probed of its probes, or of what began before it opened.
    Count {
        ok: i32,
        failed: i32,
        is_late: bool,
    },
    PassTime {
        units: i64,
    },
    Promote,
    Prune,
    Recount,
}

/// Picks below this one are among those that the command suits; the others among all, so that it is tried in vain, too.
const SUITED: usize = 3;

/// The newest mostly, so that what was just begun goes on.
fn pick() -> impl Strategy<Value = usize> {
    prop_oneof![5 => 0..SUITED, 1 => SUITED..30]
}

fn new() -> impl Strategy<Value = New> {
    let kind = prop_oneof![5 => 0..RATED, 1 => RATED..KINDS];
    let does =
        prop_oneof![2 => Just(Does::Succeed), 2 => Just(Does::Fail), 1 => Just(Does::Snooze), 1 => Just(Does::Die)];
    (kind, 0..4_usize, prop_oneof![3 => Just(0_i64), 1 => 1..4_i64], 1..4_i32, does)
        .prop_map(|(kind, priority, delay, max_attempts, does)| New { kind, priority, delay, max_attempts, does })
}

fn which(status: impl Strategy<Value = Option<TaskStatus>>) -> impl Strategy<Value = Which> {
    (option::weighted(0.3, 0..KINDS), option::weighted(0.3, 0..4_usize), status)
        .prop_map(|(kind, priority, status)| Which { kind, priority, status })
}

fn alive() -> impl Strategy<Value = Option<TaskStatus>> {
    option::of(prop_oneof![Just(TaskStatus::Pending), Just(TaskStatus::Running), Just(TaskStatus::Retrying)])
}

fn end() -> impl Strategy<Value = End> {
    let reason = prop_oneof![Just(DeadReason::Fatal), Just(DeadReason::Exhausted), Just(DeadReason::Undecodable)];
    prop_oneof![
        4 => Just(End::Completed),
        3 => (0..3_i64).prop_map(End::Retry),
        2 => reason.prop_map(End::Dead),
        1 => (1..3_i64).prop_map(End::Snooze),
        1 => Just(End::HandBack),
        1 => Just(End::Cancelled),
    ]
}

fn prefers() -> impl Strategy<Value = Prefers> {
    prop_oneof![Just(Prefers::Any), Just(Prefers::Running), Just(Prefers::First)]
}

/// The first step can begin at once.
fn batch() -> impl Strategy<Value = Command> {
    let callback = (new(), 0..4_i64).prop_map(|(new, delay)| New { delay, ..new });
    (vec(new(), 1..5), weighted(0.7), option::of(callback)).prop_map(|(mut tasks, is_chain, callback)| {
        tasks[0].delay = 0;
        Command::Batch { tasks, is_chain, callback }
    })
}

fn claim() -> impl Strategy<Value = Command> {
    (pick(), 1..7_usize, 1..4_usize, any::<bool>(), any::<bool>()).prop_map(
        |(worker, limit, quota, turned, after_cursor)| Command::Claim { worker, limit, quota, turned, after_cursor },
    )
}

/// Few keys, so that they meet.
fn keyed() -> impl Strategy<Value = Command> {
    let key = (prop_oneof![4 => Just(0_u8), 1 => Just(1)], option::of(1..4_i64));
    let kind = prop_oneof![3 => Just(0), 1 => 0..KINDS];
    (new(), kind, key).prop_map(|(new, kind, key)| Command::Enqueue(New { kind, ..new }, Some(key)))
}

fn settled() -> impl Strategy<Value = Command> {
    let by = option::weighted(0.15, pick());
    (by, weighted(0.1), vec((pick(), end()), 1..4)).prop_map(|(by, stale, ended)| Command::Settle { by, stale, ended })
}

fn claim_counted() -> impl Strategy<Value = Command> {
    let kind = prop_oneof![3 => Just(LIMITED), 1 => Just(RATED), 2 => Just(FRAGILE)];
    (pick(), kind, 1..4_usize).prop_map(|(worker, kind, limit)| Command::ClaimCounted { worker, kind, limit })
}

fn late() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.25)
}

/// The breaker of the fragile type, which has more than its probes need.
fn breaking() -> impl Strategy<Value = Vec<Command>> {
    let probe = (pick(), 1..4_usize, 0..3_i32, 0..2_i32, late()).prop_map(|(worker, limit, ok, failed, is_late)| {
        let claim = Command::ClaimCounted { worker, kind: FRAGILE, limit };
        [Command::PassTime { units: COOLDOWN }, claim.clone(), claim, Command::Count { ok, failed, is_late }]
    });
    (vec(new(), 4), vec(probe, 1..4)).prop_map(|(new, probes)| {
        let fragile = new.into_iter().map(|new| Command::Enqueue(New { kind: FRAGILE, delay: 0, ..new }, None));
        fragile.chain([Command::Count { ok: 0, failed: FAILURES, is_late: false }]).chain(probes.concat()).collect()
    })
}

/// Commands in any order. Now and then what makes a worker die of its tasks, what stops an attempt, or several who want one key.
pub fn commands(at_most: usize) -> impl Strategy<Value = Vec<Command>> {
    let death = (claim(), 0..SUITED).prop_map(|(claim, worker)| {
        let time = Command::PassTime { units: LEASE };
        vec![claim, Command::ClaimCounted { worker, kind: LIMITED, limit: 3 }, time, Command::Rescue, Command::Join]
    });
    // A worker that has a task for the second time reports of the first.
    let twice = (claim(), end()).prop_map(|(claim, end)| {
        let back = Command::Settle { by: None, stale: false, ended: vec![(0, End::HandBack)] };
        vec![claim.clone(), back, claim, Command::Settle { by: None, stale: true, ended: vec![(0, end)] }]
    });
    // More of one lane than may be taken.
    let rush =
        (0..KINDS, vec(new(), 3..6), claim(), pick(), 1..4_usize).prop_map(|(kind, new, claim, worker, limit)| {
            let priority = new[0].priority;
            let queued = new.into_iter().map(|new| Command::Enqueue(New { kind, priority, delay: 0, ..new }, None));
            let kind = if PLAIN.contains(&kind) { LIMITED } else { kind };
            queued.chain([claim, Command::ClaimCounted { worker, kind, limit }, Command::Work]).collect()
        });
    let keys = vec(keyed(), 3).prop_map(|mut keyed| {
        keyed.insert(2, Command::Prune);
        keyed
    });
    let bulk = (batch(), claim(), settled(), which(alive()))
        .prop_map(|(batch, claim, settled, which)| vec![batch, claim, settled, Command::CancelAll(which)]);
    let age = Just(vec![Command::PassTime { units: LONG }, Command::Prune]);
    let stop = (claim(), 0..SUITED, settled())
        .prop_map(|(claim, task, settled)| vec![claim, Command::Cancel { task, prefers: Prefers::Running }, settled]);
    let one = command().prop_map(|one| vec![one]);
    let step = prop_oneof![
        48 => one, 4 => death, 2 => stop, 2 => keys, 2 => twice, 3 => rush, 2 => bulk,
        2 => breaking(), 1 => age,
    ];
    vec(step, 1..=at_most).prop_map(|steps| steps.concat())
}

/// One command.
fn command() -> impl Strategy<Value = Command> {
    let on_queue = prop_oneof![
        4 => new().prop_map(|new| Command::Enqueue(new, None)),
        3 => keyed(),
        4 => batch(),
        3 => (pick(), prefers()).prop_map(|(task, prefers)| Command::Cancel { task, prefers }),
        1 => Just(Command::CancelOrphans),
        1 => (pick(), prefers()).prop_map(|(task, prefers)| Command::Delete { task, prefers }),
        2 => pick().prop_map(|task| Command::Replay { task }),
        1 => which(alive()).prop_map(Command::CancelAll),
        1 => which(Just(None)).prop_map(Command::ReplayAll),
        2 => pick().prop_map(|task| Command::RunNow { task }),
        1 => which(Just(None)).prop_map(Command::RunAllNow),
        1 => (0..KINDS).prop_map(|kind| Command::Pause { kind }),
        1 => (0..KINDS).prop_map(|kind| Command::Resume { kind }),
        1 => option::of(any::<bool>()).prop_map(|is_open| Command::Force { is_open }),
    ];
    let of_workers = prop_oneof![
        2 => Just(Command::Join),
        1 => pick().prop_map(|worker| Command::Renew { worker }),
        1 => pick().prop_map(|worker| Command::Leave { worker }),
        8 => claim(),
        4 => claim_counted(),
        9 => settled(),
        3 => Just(Command::Work),
        1 => (0..3_i32, 0..3_i32, late()).prop_map(|(ok, failed, is_late)| Command::Count { ok, failed, is_late }),
        1 => (pick(), pick()).prop_map(|(worker, held)| Command::Strays { worker, held }),
        3 => Just(Command::Rescue),
    ];
    let of_time = prop_oneof![
        4 => (1..4_i64).prop_map(|units| Command::PassTime { units }),
        3 => Just(Command::Promote),
        1 => Just(Command::Recount),
        1 => Just(Command::Prune),
    ];
    prop_oneof![7 => on_queue, 12 => of_workers, 3 => of_time]
}

/// What a number picks of so many, from the end: of those that are suited, or of all.
fn pick_of(pick: usize, len: usize, is_suited: impl Fn(usize) -> bool) -> Option<usize> {
    let suited: Vec<_> = (0..len).filter(|at| pick < SUITED && is_suited(*at)).collect();
    let among = if suited.is_empty() { (0..len).collect() } else { suited };
    (!among.is_empty()).then(|| among[among.len() - 1 - pick % among.len()])
}

impl Command {
    /// The same with real places instead of picks; none when there is nothing to pick from.
    pub fn on(mut self, model: &Model) -> Option<Self> {
        let of_tasks = |pick, is: fn(&Place) -> bool| pick_of(pick, model.tasks.len(), |at| is(&model.tasks[at].place));
        let of_workers = |pick| pick_of(pick, model.workers.len(), |at| model.may_claim(at));
        match &mut self {
            Self::Renew { worker }
            | Self::Leave { worker }
            | Self::Claim { worker, .. }
            | Self::ClaimCounted { worker, .. } => *worker = of_workers(*worker)?,
            Self::Strays { worker, held } => {
                *held = pick_of(*held, model.claims.len(), |at| model.holds(&model.claims[at]))?;
                *worker = of_workers(*worker)?;
            }
            Self::Settle { by, stale, ended } => return settle(model, *by, *stale, ended),
            // Whether the worker looks at a breaker that would move is left to it.
            Self::Work if !model.is_breaker_at_rest() => return None,
            Self::Cancel { task, prefers } => *task = preferred(model, *task, *prefers, Place::is_alive)?,
            Self::Delete { task, prefers } => *task = preferred(model, *task, *prefers, Place::has_ended)?,
            Self::RunNow { task } => *task = of_tasks(*task, |place| matches!(place, Place::Waiting(_)))?,
            Self::Replay { task } => *task = of_tasks(*task, |place| matches!(place, Place::Dead(_)))?,
            _ => {}
        }
        Some(self)
    }
}

/// Of those that are so, one of the preferred, when there is one.
fn preferred(model: &Model, pick: usize, prefers: Prefers, is: fn(&Place) -> bool) -> Option<usize> {
    let those = |of: &dyn Fn(usize) -> bool| {
        let suited = |at: usize| is(&model.tasks[at].place) && of(at);
        (0..model.tasks.len()).any(suited).then(|| pick_of(pick, model.tasks.len(), suited))?
    };
    match prefers {
        Prefers::Any => None,
        Prefers::Running => those(&|at| matches!(model.tasks[at].place, Place::Running(_))),
        Prefers::First => those(&|at| model.waits.iter().any(|wait| wait.0 == at)),
    }
    .or_else(|| pick_of(pick, model.tasks.len(), |at| is(&model.tasks[at].place)))
}

/// The first pick says whose claims they are. Each task is in a batch once, as a worker has it.
fn settle(model: &Model, by: Option<usize>, stale: bool, ended: &[(usize, End)]) -> Option<Command> {
    let is_so = |claim: &Claim| if stale { model.is_stale(claim) } else { model.holds(claim) };
    let of_claims = |pick, is_suited: &dyn Fn(&Claim) -> bool| {
        pick_of(pick, model.claims.len(), |at| is_suited(&model.claims[at]) && is_so(&model.claims[at]))
    };
    let (first, _) = ended.first()?;
    let owner = model.claims[of_claims(*first, &|_| true)?].worker;
    let mut batch: Vec<(usize, End)> = Vec::new();
    for (pick, end) in ended {
        let at = of_claims(*pick, &|claim| claim.worker == owner)?;
        let claim = &model.claims[at];
        if claim.worker == owner && batch.iter().all(|(other, _)| model.claims[*other].task != claim.task) {
            // As the worker decides it: there is no retry after the last attempt.
            let is_last = claim.attempt >= claim.max_attempts;
            let end = if is_last && matches!(end, End::Retry(_)) { End::Dead(DeadReason::Exhausted) } else { *end };
            batch.push((at, end));
        }
    }
    let by = by.and_then(|pick| pick_of(pick, model.workers.len(), |_| true)).unwrap_or(owner);
    Some(Command::Settle { by: Some(by), stale, ended: batch })
}
