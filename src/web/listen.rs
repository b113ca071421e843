//! Connections: accepted until the process stops, with a deadline for slow clients, and then finished in peace.

use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use server::App;
use server::http::client::Peer;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// Wait after an accept that failed, most often because files are exhausted.
const AGAIN: Duration = Duration::from_millis(100);

/// Serves until the process stops; then nothing new is accepted and what is in progress gets its grace.
///
/// `axum::serve` has no deadline for headers, so a client that sends none would hold its connection for ever.
pub async fn serve(listener: TcpListener, router: Router, app: &App) -> anyhow::Result<()> {
    let mut builder = Builder::new(TokioExecutor::new());
    let header_timeout = Duration::from_secs(app.config.server.header_timeout_seconds);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(header_timeout);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.stopping.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = %error, "could not accept a connection");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        // Else the last part of an answer waits until the client has confirmed the one before it, which it may put off for 40 ms. That it can
        // not be set is no reason to refuse anybody.
        drop(stream.set_nodelay(true));
        let service = router.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            request
        });
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
        let watched = graceful.watch(served.into_owned());
        tokio::spawn(async move {
            // A client that goes away is no fault of ours.
            drop(watched.await);
        });
    }
    drop(listener);
    let grace = Duration::from_secs(app.config.server.shutdown_grace_seconds);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("the grace is over; dropping the connections that are left");
    }
    Ok(())
}
