//! Signing up, in and out.

pub mod api;
mod confirm;
mod pages;
mod session;
mod sessions;

pub use confirm::{ConfirmPage, confirm_address};
pub use pages::{LogInPage, RegisterPage};
pub use session::{CurrentUser, ForSignedIn, Whoami, current_user};
pub use sessions::SessionsPage;
