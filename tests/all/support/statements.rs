//! The statements that the program sends to its database, as sqlx tells them to whoever listens.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber, span};

/// What is said on this thread while it lives; a test and its server share one.
pub struct Statements {
    heard: Arc<Mutex<Vec<String>>>,
    _while_it_lives: DefaultGuard,
}

impl Statements {
    pub fn listen() -> Self {
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let ear = Ear { heard: heard.clone() };
        Self { heard, _while_it_lives: tracing::subscriber::set_default(ear) }
    }

    /// In the order in which they ended.
    pub fn so_far(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panicked with it").clone()
    }
}

struct Ear {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        self.heard.lock().expect("nobody panicked with it").push(statement.text());
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A short one is its own summary.
#[derive(Default)]
struct Statement {
    summary: String,
    whole: String,
}

impl Statement {
    fn text(self) -> String {
        let text = if self.whole.is_empty() { self.summary } else { self.whole };
        text.trim().to_owned()
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.into(),
            "db.statement" => self.whole = value.into(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
