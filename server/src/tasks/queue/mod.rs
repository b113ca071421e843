//! Every statement on the queue's tables, one file a step in the life of a task.

mod breaker;
mod cancel;
mod checkpoint;
mod claim;
mod dead;
mod dependencies;
mod enqueue;
mod governed;
mod lease;
mod narrow;
mod origins;
mod read;
mod run_now;
pub mod schedules;
mod settle;
mod stats;
pub(super) mod time;
mod traces;
mod types;
mod upkeep;

pub use breaker::{Breaker, force as force_breaker};
pub use cancel::{cancel, cancel_all, cancel_orphans, delete, delete_all};
pub use checkpoint::{checkpoint, keep};
pub use claim::{Claimed, Horizon, Lane, Purpose, claim, horizon};
pub use dead::{Edited, Replayed, find as find_dead, groups as dead_groups, replay, replay_all};
pub use dependencies::{block, forget_relations, purge_relations, related};
pub use enqueue::{NewRow, Queued, insert, insert_all};
pub use governed::{Counted, Given, Watched, claim_governed, count as count_for_breaker, watched};
pub use lease::{Member, Rescued, Sign, join, leave, renew, rescue, strays, told_to_stop};
pub use narrow::{Narrow, narrow};
pub use origins::{came_from, forget_origins, origin, purge_origins};
pub use read::{Chosen, Found, Window, choose, count, found, get, list, stats};
pub use run_now::{Hurried, run_now};
pub use settle::{Ended, Outcome, Settlement, settle};
pub use stats::{
    compact, count_running, dead, depths, figures, health, minutes, now, running, sample, types_seen, workers,
};
pub use traces::{forget_traces, keep_traces, purge_traces, traces};
pub use types::{Known, define, pause, register, resume, types};
pub use upkeep::{
    count_history, drop_history, make_history, next_due, note_progress, promote, prune_figures, prune_history,
    purge_uniques, recount,
};
