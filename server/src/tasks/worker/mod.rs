//! The worker: claims what is ready, runs it under a lease, settles it, and takes over from workers that died.

mod attempt;
mod blocked;
mod chores;
mod clock;
mod held;
mod lanes;
mod lease;
mod member;
mod panics;
mod settler;
mod watchdog;

use std::time::Duration;

use uuid::Uuid;

use crate::App;
pub use clock::since_boot;
use member::Member;

/// Wait between two tries when the database is away.
const AGAIN: Duration = Duration::from_millis(500);

/// Works until the process stops; then gives running tasks their grace and hands back the rest.
pub async fn run(app: App) {
    while !app.stopping.is_cancelled() {
        match Member::join(&app).await {
            Ok((member, settler)) => member.work(settler).await,
            Err(error) => {
                tracing::warn!(error = %error, "the worker cannot join; trying again");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => {}
                    () = app.stopping.cancelled() => {}
                }
            }
        }
    }
}

/// Runs what is ready now and returns when nothing is; the answer is how many attempts were made. For tests and the command line.
///
/// # Errors
/// When the database does not answer.
pub async fn work_off(app: &App) -> sqlx::Result<usize> {
    Ok(run_up_to(app, usize::MAX).await?.len())
}

/// Runs so many of what is ready at most, until nothing is; the answer is the task of each attempt.
pub(super) async fn run_up_to(app: &App, most: usize) -> sqlx::Result<Vec<Uuid>> {
    let (member, settler) = Member::join(app).await?;
    member.work_off(settler, most).await
}
