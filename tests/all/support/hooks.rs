//! A server that webhooks are sent to: it keeps what comes, and answers what a test says. And one that nobody may touch.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener as Port};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Got {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

type Says = Box<dyn FnOnce() -> Option<Response> + Send>;

#[derive(Default)]
struct Script {
    answers: VecDeque<Says>,
    got: Vec<Got>,
}

/// The server, until the test ends.
pub struct Receiver {
    pub address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl Receiver {
    pub async fn start() -> Self {
        Self::at("127.0.0.1").await
    }

    /// On this address of the machine.
    pub async fn at(ip: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let script = Arc::<Mutex<Script>>::default();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, script }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers this to the next request that has no answer yet; after that, 200.
    pub fn says(&self, answer: impl IntoResponse + Send + 'static) {
        self.next(Box::new(move || Some(answer.into_response())));
    }

    /// Never answers the next request.
    pub fn is_silent(&self) {
        self.next(Box::new(|| None));
    }

    fn next(&self, says: Says) {
        self.script.lock().expect("nobody panicked with it").answers.push_back(says);
    }

    pub fn got(&self) -> Vec<Got> {
        self.script.lock().expect("nobody panicked with it").got.clone()
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let says = {
        let mut script = script.lock().expect("nobody panicked with it");
        script.got.push(Got { method, uri, headers, body });
        script.answers.pop_front()
    };
    match says {
        None => "thanks".into_response(),
        Some(says) => match says() {
            Some(answer) => answer,
            None => std::future::pending().await,
        },
    }
}

/// A port on which somebody would be heard.
pub struct Canary(Port);

impl Canary {
    /// On this address; the first one on any port, others on the same.
    pub fn at(ip: &str, port: u16) -> Self {
        let listener = Port::bind((ip, port)).expect("the port is free");
        listener.set_nonblocking(true).expect("it does not wait");
        Self(listener)
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().expect("the port").port()
    }

    /// Whether somebody has connected, since the last time.
    pub fn was_touched(&self) -> bool {
        self.0.accept().is_ok()
    }
}
