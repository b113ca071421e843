//! The browser's side of the live stream: each event makes the queries that show the task be read again.

use leptos::prelude::*;

use crate::auth::Whoami;

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

    use crate::tasks::queries;

    /// Events within this time are answered by one read.
    const GATHERED: Duration = Duration::from_millis(100);

    #[derive(Deserialize)]
    struct Changed {
        id: Uuid,
    }

    #[derive(Default)]
    struct Waiting {
        ids: HashSet<Uuid>,
        all: bool,
        is_timed: bool,
    }

    /// An open stream; the browser reconnects by itself and sends the id of the last event it saw.
    pub struct Open {
        source: EventSource,
        _on_task: Closure<dyn FnMut(MessageEvent)>,
        _on_refresh: Closure<dyn FnMut(MessageEvent)>,
    }

    impl Open {
        pub fn new(client: QueryClient) -> Option<Self> {
            let source = EventSource::new("/live/tasks").ok()?;
            let waiting = Rc::new(RefCell::new(Waiting::default()));
            let of_task = waiting.clone();
            let on_task = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let text = event.data().as_string().unwrap_or_default();
                if let Ok(changed) = serde_json::from_str::<Changed>(&text) {
                    of_task.borrow_mut().ids.insert(changed.id);
                    read_soon(client, &of_task);
                }
            });
            let on_refresh = Closure::<dyn FnMut(MessageEvent)>::new(move |_| {
                waiting.borrow_mut().all = true;
                read_soon(client, &waiting);
            });
            source.add_event_listener_with_callback("task", on_task.as_ref().unchecked_ref()).ok()?;
            source.add_event_listener_with_callback("refresh", on_refresh.as_ref().unchecked_ref()).ok()?;
            Some(Self { source, _on_task: on_task, _on_refresh: on_refresh })
        }
    }

    impl Drop for Open {
        fn drop(&mut self) {
            self.source.close();
        }
    }

    fn read_soon(client: QueryClient, waiting: &Rc<RefCell<Waiting>>) {
        if std::mem::replace(&mut waiting.borrow_mut().is_timed, true) {
            return;
        }
        let waiting = waiting.clone();
        set_timeout(
            move || {
                let Waiting { ids, all, .. } = waiting.take();
                if all {
                    queries::all_changed(&client);
                }
                ids.into_iter().for_each(|id| queries::changed(&client, id));
            },
            GATHERED,
        );
    }
}
