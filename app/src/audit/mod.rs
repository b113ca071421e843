//! The audit log and the permission table, for administrators.

pub mod api;
mod log;
mod permissions;

pub use log::AuditLogPage;
pub use permissions::PermissionsPage;
