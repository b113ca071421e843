//! One attempt, from the claimed row to what becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::tasks::{DeadReason, RetryStrategy};
use serde_json::Value;

use super::held::Why;
use super::member::{LAST_GRACE, Member};
use super::panics;
use crate::tasks::kinds::{Context, Kind, Stop};
use crate::tasks::queue::{Claimed, Outcome, Settlement};

/// How long a task waits for a worker that knows the version of its payload.
const NEWER_PROGRAM: Duration = Duration::from_secs(30);

impl Member {
    /// Runs a task that this worker holds, and gives the outcome to the settler.
    pub(super) async fn attempt(self: Arc<Self>, claimed: Arc<Claimed>) {
        let began = Instant::now();
        let kind = self.kind_of(&claimed).cloned();
        let (outcome, trace) = match kind {
            // Only types that were registered at the start are claimed.
            None => (Some(Outcome::HandedBack), None),
            Some(kind) if claimed.payload_version > kind.version => (Some(Outcome::Snoozed(NEWER_PROGRAM)), None),
            Some(kind) => self.run(&kind, &claimed).await,
        };
        let is_settled = outcome.is_none();
        let outcome = storable(outcome.unwrap_or(Outcome::Completed(Value::Null)));
        let has_failed = matches!(outcome, Outcome::Dead { .. } | Outcome::RetryLater { .. });
        let trace = trace.filter(|_| has_failed).map(|trace| cut(&trace, TRACE_AT_MOST));
        self.end(Settlement { claimed, outcome, ran: began.elapsed(), trace }, is_settled);
    }

    pub(super) fn kind_of(&self, claimed: &Claimed) -> Option<&Kind> {
        self.name_of(claimed.task_type_id).and_then(|name| self.app.kinds.get(&name))
    }

    /// The outcome, and the way to it where it failed; none when the task has settled itself.
    async fn run(&self, kind: &Kind, claimed: &Arc<Claimed>) -> (Option<Outcome>, Option<String>) {
        let (cancel, why) = self.token_of(claimed.id);
        let context = Context::new(self.app.clone(), self.id, claimed.clone(), cancel.clone());
        let mut running = std::pin::pin!(panics::caught(kind.run(context.clone())));
        let time_is_up = tokio::time::sleep(kind.policy.timeout);
        let ended = tokio::select! {
            ended = &mut running => Some(ended),
            () = time_is_up => None,
            () = cancel.cancelled() => None,
        };
        let ended = match ended {
            Some(ended) => Some(ended),
            None => {
                // Told for the first time when its time was up; else it has been told already.
                self.stop(claimed.id, Why::TimeIsUp);
                tokio::time::timeout(LAST_GRACE, running).await.ok()
            }
        };
        if context.is_settled() {
            return (None, None);
        }
        let (ended, trace) = match ended {
            Some(Ok(ended)) => (ended, context.take_causes()),
            Some(Err((words, trace))) => (Err(Stop::Retry(words)), trace),
            None => (Err(Stop::Cancelled), None),
        };
        let limit = kind.policy.timeout;
        let told = cancel.is_cancelled().then(|| why.get().copied().unwrap_or(Why::Leaving));
        (Some(outcome_of(claimed, &kind.policy.retry, stopped(ended, told, limit))), trace)
    }
}

/// What an attempt means that says it was stopped, by the reason for which it was told to; none when nobody told it, so that it cancels
/// its own task.
pub(super) fn stopped(ended: Result<Value, Stop>, told: Option<Why>, limit: Duration) -> Result<Value, Stop> {
    match (ended, told) {
        (Err(Stop::Cancelled), Some(Why::TimeIsUp)) => {
            Err(Stop::Retry(format!("The attempt took longer than {} s", limit.as_secs_f64())))
        }
        // Ready again for another worker, at no cost.
        (Err(Stop::Cancelled), Some(Why::Leaving)) => Err(Stop::Snooze(Duration::ZERO)),
        (ended, _) => ended,
    }
}

/// What an ended attempt means for its task.
pub(super) fn outcome_of(claimed: &Claimed, of_kind: &RetryStrategy, ended: Result<Value, Stop>) -> Outcome {
    let is_last = claimed.attempt >= claimed.max_attempts;
    let strategy = claimed.retry_strategy.as_ref().map_or(of_kind, |own| &own.0);
    let dead = |reason, error| Outcome::Dead { reason, error };
    match ended {
        Ok(result) => Outcome::Completed(result),
        Err(Stop::Cancelled) => Outcome::Cancelled,
        Err(Stop::Fatal(error)) => dead(DeadReason::Fatal, error),
        Err(Stop::Undecodable(error)) => dead(DeadReason::Undecodable, error),
        Err(Stop::Snooze(Duration::ZERO)) => Outcome::HandedBack,
        Err(Stop::Snooze(delay)) => Outcome::Snoozed(delay),
        Err(Stop::Retry(error) | Stop::RetryAfter(error, _)) if is_last => dead(DeadReason::Exhausted, error),
        Err(Stop::RetryAfter(error, delay)) => Outcome::RetryLater { error, delay },
        Err(Stop::Retry(error)) => {
            Outcome::RetryLater { error, delay: strategy.delay_after(claimed.attempt, rand::random()) }
        }
    }
}

/// The longest that a task waits for its next look: a year.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);
/// Characters of an error that are kept.
const ERROR_AT_MOST: usize = 10_000;
/// Characters of a trace that are kept.
const TRACE_AT_MOST: usize = 16_000;

/// A text that PostgreSQL can hold, and not more of it than this.
fn cut(text: &str, characters: usize) -> String {
    text.replace('\0', "\u{fffd}").chars().take(characters).collect()
}

/// What PostgreSQL can hold of it: no NUL in a text, no wait beyond a year.
fn storable(outcome: Outcome) -> Outcome {
    let words = |error: String| cut(&error, ERROR_AT_MOST);
    match outcome {
        Outcome::Completed(result) => Outcome::Completed(without_nul(result)),
        Outcome::Dead { reason, error } => Outcome::Dead { reason, error: words(error) },
        Outcome::RetryLater { error, delay } => {
            Outcome::RetryLater { error: words(error), delay: delay.min(LONGEST_WAIT) }
        }
        Outcome::Snoozed(delay) => Outcome::Snoozed(delay.min(LONGEST_WAIT)),
        Outcome::Cancelled | Outcome::HandedBack => outcome,
    }
}

fn without_nul(value: Value) -> Value {
    let text = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    match value {
        Value::String(words) => Value::String(text(words)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (text(name), without_nul(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claimed(attempt: i32) -> Claimed {
        let strategy = RetryStrategy::Fixed { interval: 7.0, max_attempts: 3 };
        Claimed { attempt, max_attempts: 3, retry_strategy: Some(sqlx::types::Json(strategy)), ..Claimed::default() }
    }

    fn outcome(attempt: i32, stop: Stop) -> Outcome {
        outcome_of(&claimed(attempt), &RetryStrategy::None, Err(stop))
    }

    #[test]
    fn an_attempt_that_may_work_later_is_tried_again_until_the_last() {
        let seconds = Duration::from_secs;
        let error = || "no".to_owned();
        assert_eq!(outcome(1, Stop::Retry(error())), Outcome::RetryLater { error: error(), delay: seconds(7) });
        let after = Stop::RetryAfter(error(), seconds(90));
        assert_eq!(outcome(1, after.clone()), Outcome::RetryLater { error: error(), delay: seconds(90) });
        let exhausted = Outcome::Dead { reason: DeadReason::Exhausted, error: error() };
        assert_eq!((outcome(3, Stop::Retry(error())), outcome(3, after)), (exhausted.clone(), exhausted));
    }

    #[test]
    fn what_will_never_work_dies_at_once_and_a_snooze_is_no_failure() {
        let dead = |reason| Outcome::Dead { reason, error: "never".into() };
        assert_eq!(outcome(1, Stop::Fatal("never".into())), dead(DeadReason::Fatal));
        assert_eq!(outcome(1, Stop::Undecodable("never".into())), dead(DeadReason::Undecodable));
        let hour = Duration::from_secs(3600);
        assert_eq!(outcome(3, Stop::Snooze(hour)), Outcome::Snoozed(hour));
    }

    #[test]
    fn who_is_told_to_stop_ends_by_the_reason_for_it() {
        let stopped = |why| stopped(Err(Stop::Cancelled), why, Duration::from_secs(9));
        assert_eq!(stopped(Some(Why::Asked)), Err(Stop::Cancelled));
        assert_eq!(stopped(Some(Why::TimeIsUp)), Err(Stop::Retry("The attempt took longer than 9 s".into())));
        assert_eq!(stopped(Some(Why::Leaving)), Err(Stop::Snooze(Duration::ZERO)));
        assert_eq!(stopped(None), Err(Stop::Cancelled), "nobody told it: its own decision");
        let in_time = super::stopped(Ok(json!(1)), Some(Why::Asked), Duration::ZERO);
        assert_eq!(in_time, Ok(json!(1)), "a result that came all the same counts");
    }
}
