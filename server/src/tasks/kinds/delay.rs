use std::time::Duration;

use chrono::{TimeDelta, Utc};
use model::tasks::{DelayTask, TaskKind, Waited};
use serde_json::{Value, json};

use super::{Context, Policy, Stop, Work};

impl Work for DelayTask {
    const NAME: &'static str = TaskKind::DelayTask.name();
    const DESCRIPTION: &'static str = TaskKind::DelayTask.description();

    fn policy() -> Policy {
        // The longest wait that a payload may ask for is a day.
        Policy { timeout: Duration::from_secs(25 * 3600), ..Policy::default() }
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let delay = Duration::try_from_secs_f64(self.delay_seconds).map_err(|error| Stop::Fatal(error.to_string()))?;
        let ends_at = TimeDelta::from_std(delay).ok().and_then(|delay| Utc::now().checked_add_signed(delay));
        if self.deadline.is_some_and(|deadline| ends_at.is_none_or(|ends_at| ends_at > deadline)) {
            return Err(Stop::Fatal("The wait would end after the deadline".into()));
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(json!(Waited { waited_seconds: self.delay_seconds })),
            () = context.cancel.cancelled() => Err(Stop::Cancelled),
        }
    }
}
