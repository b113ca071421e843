//! The words that browser and server share: types, limits, validation and the permission table.
//!
//! Nothing here does I/O and nothing knows Leptos, so the same value travels from the PostgreSQL row to the browser.

pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod fields;
pub mod health;
pub mod live;
pub mod notes;
pub mod notifications;
pub mod page;
pub mod passkeys;
pub mod problem;
pub mod rbac;
pub mod tasks;
pub mod two_factor;
pub mod users;

pub use page::{Page, PageRequest};
pub use problem::{FieldProblem, Problem};

/// What the program is called, where people read it and where they must not build on it.
pub const PRODUCT: &str = "starter";
