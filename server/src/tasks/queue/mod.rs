//! Every statement on the queue's tables, one file a step in the life of a task.

mod breaker;
mod cancel;
mod claim;
mod dead;
mod dependencies;
mod enqueue;
mod governed;
mod lease;
mod read;
pub mod schedules;
mod settle;
mod stats;
pub(super) mod time;
mod types;
mod upkeep;

pub use breaker::{Breaker, BreakerState, force as force_breaker};
pub use cancel::{cancel, cancel_orphans, cancel_some, delete};
pub use claim::{Claimed, Lane, Purpose, claim};
pub use dead::{Edited, Replayed, find as find_dead, replay, replay_some};
pub use dependencies::block;
pub use enqueue::{NewRow, Queued, insert, insert_all};
pub use governed::{Counted, Watched, claim_governed, count as count_for_breaker, watched};
pub use lease::{Member, Rescued, Sign, join, leave, renew, rescue, strays, told_to_stop};
pub use read::{Window, count, get, list, stats};
pub use settle::{Ended, Outcome, Settlement, settle};
pub use stats::{LaneDepth, Minute, TypeSeen, WorkerSeen, depths, minutes, now, types_seen, workers};
pub use types::{Known, define, pause, register, resume, types};
pub use upkeep::{count_history, drop_history, make_history, next_due, note_progress, promote, prune, recount};
