//! The browser's side of the live stream: each event makes the queries that show the thing be read again.

use leptos::prelude::*;
use leptos_fetch::QueryClient;
use uuid::Uuid;

use crate::auth::Whoami;

/// The name of an event, what it reads again of one thing, and what of all of them when events may have been missed.
pub type Live = (&'static str, fn(&QueryClient, Uuid), fn(&QueryClient));

/// Follows `/live/tasks` for as long as somebody is signed in. Does nothing on the server.
#[cfg(not(feature = "hydrate"))]
pub fn follow(_: Resource<Whoami>) {}

/// Follows `/live/tasks` for as long as somebody is signed in. Does nothing on the server.
#[cfg(feature = "hydrate")]
pub fn follow(user: Resource<Whoami>) {
    let client = expect_context();
    Effect::new(move |open: Option<Option<stream::Open>>| {
        let is_signed_in = matches!(user.get(), Some(Ok(Some(_))));
        match open.flatten() {
            Some(open) if is_signed_in => Some(open),
            _ if is_signed_in => stream::Open::new(client),
            _ => None,
        }
    });
}

#[cfg(feature = "hydrate")]
mod stream {
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::rc::Rc;
    use std::time::Duration;

    use leptos::prelude::set_timeout;
    use leptos_fetch::QueryClient;
    use serde::Deserialize;
    use uuid::Uuid;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::prelude::Closure;
    use web_sys::{EventSource, MessageEvent};

    use super::Live;
    use crate::tasks::queries;

    /// Events within this time are answered by one read.
    const GATHERED: Duration = Duration::from_millis(100);
    /// After a read the next one waits for so long: however many events come, nothing is read more often; and what happens meanwhile is on the
    /// screen within a second all the same.
    const REST: Duration = Duration::from_millis(750);

    #[derive(Deserialize)]
    struct Changed {
        id: Uuid,
    }

    /// The events of the stream, and what each of them reads again.
    const TOPICS: &[Live] = &[
        // One a line.
        ("task", queries::changed, queries::all_changed),
        crate::notes::queries::LIVE,
        crate::notifications::queries::LIVE,
    ];

    #[derive(Default)]
    struct Waiting {
        /// Places in [`TOPICS`], and which one.
        changed: HashSet<(usize, Uuid)>,
        all: bool,
        is_timed: bool,
        /// The last read is not long ago.
        rests: bool,
    }

    type Listener = Closure<dyn FnMut(MessageEvent)>;

    /// An open stream; the browser reconnects by itself and sends the id of the last event it saw.
    pub struct Open {
        source: EventSource,
        _listeners: Vec<Listener>,
    }

    impl Open {
        pub fn new(client: QueryClient) -> Option<Self> {
            let source = EventSource::new("/live/tasks").ok()?;
            let waiting = Rc::new(RefCell::new(Waiting::default()));
            let mut listeners = Vec::new();
            for (place, (topic, ..)) in TOPICS.iter().enumerate() {
                let of_topic = waiting.clone();
                let on_event = Listener::new(move |event: MessageEvent| {
                    let text = event.data().as_string().unwrap_or_default();
                    if let Ok(changed) = serde_json::from_str::<Changed>(&text) {
                        of_topic.borrow_mut().changed.insert((place, changed.id));
                        read_soon(client, &of_topic);
                    }
                });
                source.add_event_listener_with_callback(topic, on_event.as_ref().unchecked_ref()).ok()?;
                listeners.push(on_event);
            }
            let on_refresh = Listener::new(move |_| {
                waiting.borrow_mut().all = true;
                read_soon(client, &waiting);
            });
            source.add_event_listener_with_callback("refresh", on_refresh.as_ref().unchecked_ref()).ok()?;
            listeners.push(on_refresh);
            Some(Self { source, _listeners: listeners })
        }
    }

    impl Drop for Open {
        fn drop(&mut self) {
            self.source.close();
        }
    }

    fn read_soon(client: QueryClient, waiting: &Rc<RefCell<Waiting>>) {
        let mut noted = waiting.borrow_mut();
        if !noted.rests && !std::mem::replace(&mut noted.is_timed, true) {
            let waiting = waiting.clone();
            set_timeout(move || read_now(client, &waiting), GATHERED);
        }
    }

    /// Reads what has changed, and rests; what changes meanwhile is read after that.
    fn read_now(client: QueryClient, waiting: &Rc<RefCell<Waiting>>) {
        let Waiting { changed, all, .. } = waiting.replace(Waiting { rests: true, ..Waiting::default() });
        if all {
            TOPICS.iter().for_each(|(.., read_all)| read_all(&client));
        } else {
            changed.into_iter().for_each(|(place, id)| TOPICS[place].1(&client, id));
        }
        let waiting = waiting.clone();
        set_timeout(
            move || {
                let has_changed = {
                    let mut noted = waiting.borrow_mut();
                    noted.rests = false;
                    noted.all || !noted.changed.is_empty()
                };
                if has_changed {
                    read_now(client, &waiting);
                }
            },
            REST,
        );
    }
}
