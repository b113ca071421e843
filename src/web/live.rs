//! `/live/tasks`: task changes, and hints to the person themselves, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt, stream};
use model::rbac::{Action, Relation};
use serde_json::json;
use server::http::SignedIn;
use server::tasks::Live;
use server::tasks::live::{Numbered, Told};
use server::{Actor, App, Error, Result, auth};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Seconds between two signs of life; also the longest that a stream outlives its session.
const BEAT: Duration = Duration::from_secs(15);

/// Streams until the browser leaves, the session ends or the process stops. With `Last-Event-ID` it resumes.
pub async fn tasks(State(app): State<App>, SignedIn(actor): SignedIn, headers: HeaderMap) -> Result<impl IntoResponse> {
    actor.require(Action::ReadTask, Relation::Own)?;
    let place = app.live_streams.clone().try_acquire_owned().map_err(|_| Error::unavailable())?;
    // Listen before looking back: what is told between the two would otherwise be lost. Twice told does no harm.
    let changes = app.live.subscribe();
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    // Somebody new is told to look again, too: the page was drawn before its stream was open.
    let missed = last_seen
        .and_then(|id| app.live.since(id))
        .unwrap_or_else(|| vec![Numbered { number: 0, told: Told::Refresh }]);
    let (live, watcher) = (app.live.clone(), actor.clone());
    let events = stream::iter(missed).chain(told(changes)).filter_map(move |numbered| {
        let _held_while_streaming = &place;
        std::future::ready(event(&live, &watcher, &numbered).map(Ok::<_, Infallible>))
    });
    let until_ended = Box::pin(ended(app, actor));
    Ok(Sse::new(events.take_until(until_ended)).keep_alive(KeepAlive::new().interval(BEAT)))
}

/// What is told from now on; who is too slow is told to look at everything again.
fn told(changes: Receiver<Numbered>) -> impl Stream<Item = Numbered> {
    stream::unfold(changes, async |mut changes| match changes.recv().await {
        Ok(numbered) => Some((numbered, changes)),
        Err(RecvError::Lagged(_)) => Some((Numbered { number: 0, told: Told::Refresh }, changes)),
        Err(RecvError::Closed) => None,
    })
}

/// The event for this person; none for a task that is not theirs to see.
fn event(live: &Live, actor: &Actor, numbered: &Numbered) -> Option<Event> {
    let id = live.event_id(numbered.number);
    match &numbered.told {
        Told::Refresh => Some(Event::default().event("refresh").id(id).data("{}")),
        Told::Changed(changed) => {
            let limited_to = actor.limited_to(Action::ReadTask);
            let is_visible = limited_to.is_none() || changed.owner == limited_to;
            let data = json!({"id": changed.id, "status": changed.status}).to_string();
            is_visible.then(|| Event::default().event("task").id(id).data(data))
        }
        Told::Hint(hint) => {
            let data = json!({"id": hint.id}).to_string();
            (hint.user_id == actor.id()).then(|| Event::default().event(hint.topic.name()).id(id).data(data))
        }
    }
}

/// Returns when the session has ended or the process stops.
async fn ended(app: App, actor: Actor) {
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            () = app.stopping.cancelled() => return,
        }
        match auth::is_in_force(&app, &actor).await {
            // A database that is away ends no session.
            Ok(true) | Err(_) => {}
            Ok(false) => return,
        }
    }
}
