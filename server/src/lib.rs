//! Everything that needs the database: services, their REST doors, and the background worker. Knows nothing of Leptos.

pub mod api_keys;
pub mod app;
pub mod audit;
pub mod auth;
pub mod config;
pub mod db;
pub mod error;
pub mod health;
pub mod http;
pub mod logs;
pub mod mail;
pub mod notes;
pub mod notifications;
pub mod passkeys;
pub mod rbac;
pub mod tasks;
pub mod users;

pub use app::App;
pub use config::Config;
pub use db::MIGRATOR;
pub use error::{Error, Result};
pub use rbac::Actor;
