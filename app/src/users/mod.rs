//! The own account, and the administration of others'.

mod account;
pub mod api;
mod bulk;
mod detail;
mod list;
mod new;
mod queries;
mod stats;
mod table;

pub use account::AccountPage;
pub use bulk::BulkPage;
pub use detail::UserPage;
pub use list::UsersPage;
pub use new::NewUserPage;
pub use stats::StatisticsPage;
