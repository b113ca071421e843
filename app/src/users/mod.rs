//! The own account, and the administration of others'.

mod account;
pub mod api;
mod detail;
mod list;
mod new;
mod queries;

pub use account::AccountPage;
pub use detail::UserPage;
pub use list::UsersPage;
pub use new::NewUserPage;
