//! The stream of live events, read as a browser does.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use super::{Person, TestApp, within_patience};

pub struct Events {
    response: Response,
    read: String,
}

#[derive(Debug)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

impl TestApp {
    /// Watches from now on; the first thing that somebody new is told is to look at everything once more.
    pub async fn watch(&self, person: &Person) -> Events {
        let mut events = Events::of(self.request(Method::GET, "/live/tasks").bearer_auth(&person.token)).await;
        assert_eq!(events.next().await.name, "refresh");
        events
    }

    /// Watches again after the event with this id.
    pub async fn resume(&self, person: &Person, id: &str) -> Events {
        let request = self.request(Method::GET, "/live/tasks").bearer_auth(&person.token);
        Events::of(request.header("last-event-id", id)).await
    }
}

impl Events {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The next event; signs of life are passed over.
    pub async fn next(&mut self) -> Event {
        within_patience("an event", async {
            loop {
                if let Some((event, rest)) = self.read.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.read = rest;
                    if event.lines().any(|line| line.starts_with("data:")) {
                        return Event::read(&event);
                    }
                    continue;
                }
                let chunk = self.response.chunk().await.expect("the stream goes on").expect("the stream has not ended");
                self.read.push_str(str::from_utf8(&chunk).expect("UTF-8"));
            }
        })
        .await
    }
}

impl Event {
    fn read(text: &str) -> Self {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        Self { id: value("id"), name: value("event"), data: serde_json::from_str(&value("data")).expect("JSON") }
    }
}
