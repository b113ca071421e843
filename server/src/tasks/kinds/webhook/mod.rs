//! `webhook`: a request to a server elsewhere, and what its answer means for the task.

mod address;
mod client;
pub mod deliveries;
pub mod hosts;
pub mod signature;

use std::time::{Duration, Instant};

use model::Problem;
use model::tasks::{TaskKind, Webhook, WebhookAnswer};
use serde_json::{Value, json};

use super::{Context, NO_ANSWER, Policy, Stop, Work};
use crate::{Actor, App};

pub use address::Refused;
pub use client::{Answer, Client, Failure, Lookup};
use deliveries::Tried;

/// The longest pause that a server is granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

impl Work for Webhook {
    const NAME: &'static str = TaskKind::Webhook.name();
    const DESCRIPTION: &'static str = TaskKind::Webhook.description();

    fn policy() -> Policy {
        // The breaker is one of each host; the time limit of a request, in the settings, is up to five minutes.
        Policy { breaker: None, timeout: Duration::from_secs(330), ..Policy::default() }
    }

    async fn admit(&self, app: &App, _: &Actor) -> crate::Result<()> {
        let read = app.webhooks.rules().read(&self.url);
        Ok(read.map(drop).map_err(|refused| Problem::field("payload.url", refused.words()))?)
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let (db, client) = (&context.app.db, &context.app.webhooks);
        let url = match client.rules().read(&self.url) {
            Ok(url) => url,
            Err(refused) => {
                note(context, &self, Duration::ZERO, &Err(Failure::Refused(refused))).await;
                return Err(Stop::Fatal(refused.to_string()));
            }
        };
        let host =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let pass = match hosts::ask(db, &host).await.map_err(|error| context.again(NO_ANSWER, error))? {
            Ok(pass) => pass,
            Err(wait) => return Err(Stop::Snooze(wait)),
        };
        let began = Instant::now();
        let answered = tokio::select! {
            answered = client.send(context.task_id(), &self) => answered,
            () = context.cancel.cancelled() => return Err(Stop::Cancelled),
        };
        note(context, &self, began.elapsed(), &answered).await;
        let is_well = match &answered {
            Ok(answer) => Some(answer.status < 500),
            Err(Failure::Unreachable(..)) => Some(false),
            // Says nothing about the host.
            Err(Failure::Refused(_) | Failure::Unsendable(..)) => None,
        };
        if let Some(is_ok) = is_well {
            let told = hosts::tell(db, &host, pass, is_ok).await;
            told.unwrap_or_else(|error| tracing::warn!(error = %error, "the breaker of a host was not told"));
        }
        verdict(context, answered)
    }
}

/// What an answer means for the task.
fn verdict(context: &Context, answered: Result<Answer, Failure>) -> Result<Value, Stop> {
    let answer = answered.map_err(|failure| {
        let (stop, cause) = match failure {
            Failure::Refused(refused) => (Stop::Fatal(refused.to_string()), None),
            Failure::Unsendable(words, cause) => (Stop::Fatal(words.into()), cause),
            Failure::Unreachable(words, cause) => (Stop::Retry(words.into()), cause),
        };
        cause.into_iter().for_each(|cause| context.note_causes(cause));
        stop
    })?;
    let told = error_of(answer.status);
    match (answer.status, answer.retry_after) {
        (200..=299, _) => {
            let (status, duration_ms) = (answer.status, millis(answer.took));
            let Answer { headers, body, is_cut, .. } = answer;
            Ok(json!(WebhookAnswer { status, duration_ms, headers, body, is_cut }))
        }
        (408 | 425 | 429 | 500..=599, Some(pause)) => Err(Stop::RetryAfter(told, pause.min(LONGEST_PAUSE))),
        (408 | 425 | 429 | 500..=599, None) => Err(Stop::Retry(told)),
        _ => Err(Stop::Fatal(told)),
    }
}

fn error_of(status: u16) -> String {
    match status {
        300..=399 => format!("The server answered {status}; redirects are not followed"),
        _ => format!("The server answered {status}"),
    }
}

/// Writes the try down. That it cannot be is no reason to send it again.
async fn note(context: &Context, hook: &Webhook, took: Duration, answered: &Result<Answer, Failure>) {
    let error = match answered {
        Ok(answer) => (!(200..=299).contains(&answer.status)).then(|| error_of(answer.status)),
        Err(Failure::Refused(refused)) => Some(refused.to_string()),
        Err(Failure::Unreachable(words, _) | Failure::Unsendable(words, _)) => Some((*words).into()),
    };
    let answer = answered.as_ref().ok();
    let tried = Tried {
        task_id: context.task_id(),
        attempt: context.attempt(),
        method: hook.method.name(),
        url: &hook.url,
        status: answer.map(|answer| answer.status),
        duration_ms: millis(took),
        error: error.as_deref(),
        response: answer.map(|answer| answer.body.as_str()),
    };
    let noted = deliveries::add(&context.app.db, &tried).await;
    noted.unwrap_or_else(|error| tracing::warn!(error = %error, "a delivery was not written down"));
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
