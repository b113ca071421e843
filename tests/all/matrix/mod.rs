//! Role × route × relation: every door of the program, tried by everybody, with what it answers and that a refusal changes nothing.
//!
//! The doors are read from the code, so that a new one without a row fails. A row is added in `rest.rs`, `functions.rs` or `pages.rs`; what
//! can be taken out of the program has its rows in a file of its own and a line in `FEATURES`.

mod functions;
#[cfg(feature = "mutate")]
mod mutate;
mod notes;
mod notifications;
mod own;
mod pages;
mod rest;
mod run;
mod world;

use std::collections::BTreeSet;

use model::rbac::Scope;

/// Who passes a door at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everybody; whoever brings a token is not asked for it.
    Open,
    /// Whoever has a session; no API key.
    Session,
    /// A session that confirmed its password lately; no API key.
    Sudo,
    /// A session, or an API key of this scope.
    Key(Scope),
}

/// What a door is about, and by that which relations there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Nothing in particular: one column.
    Nothing,
    /// A schedule, which belongs to nobody: one column.
    Schedule,
    /// What everybody has one of, by its name in the world: own, a stranger's; or own, shared to write, shared to read, public, a stranger's.
    /// A task waits, one of the dead letter is `dead`.
    Thing(&'static str),
    /// Somebody: oneself, a user, a moderator, an administrator.
    Person,
}

/// A door, and what it answers.
pub struct Row {
    /// Method and path as the code has them.
    pub door: &'static str,
    pub gate: Gate,
    pub on: On,
    /// JSON when it begins with a brace, a form otherwise. `{id}` is the thing, `{user_id}` the user with whom every note is shared; `?…`
    /// goes to the address.
    pub body: &'static str,
    /// What a user, a moderator and an administrator are answered, for each relation. At an open door everybody is answered the first.
    pub cells: &'static [[u16; 3]],
    /// What somebody is answered whose password must be changed first.
    pub before_change: u16,
}

/// The rows of a feature.
pub struct Feature {
    pub rest: &'static [Row],
    pub functions: &'static [Row],
    pub pages: &'static [Row],
}

const FEATURES: &[Feature] = &[
    // One a line.
    notes::FEATURE,
    notifications::FEATURE,
];

/// All of a list, as server functions are asked for it.
const LISTED: &str = r#"{"filter": {}, "page": {}}"#;

pub const fn row(door: &'static str, gate: Gate, on: On, body: &'static str, cells: &'static [[u16; 3]]) -> Row {
    let before_change = if matches!(gate, Gate::Open) { cells[0][0] } else { 403 };
    Row { door, gate, on, body, cells, before_change }
}

impl Row {
    /// Open also before the password is changed that somebody else has set.
    pub const fn always(self) -> Self {
        let before_change = self.cells[0][0];
        Self { before_change, ..self }
    }
}

/// Fails unless each door has one row, and each row a door.
fn assert_complete(rows: &[&[Row]], doors: BTreeSet<String>) {
    let named: Vec<String> = rows.iter().flat_map(|rows| rows.iter()).map(|row| row.door.to_owned()).collect();
    let unique: BTreeSet<String> = named.iter().cloned().collect();
    assert_eq!(unique.len(), named.len(), "a door has two rows");
    let (missing, gone): (Vec<_>, Vec<_>) = (doors.difference(&unique).collect(), unique.difference(&doors).collect());
    assert!(missing.is_empty() && gone.is_empty(), "doors without a row: {missing:?}; rows without a door: {gone:?}");
}
