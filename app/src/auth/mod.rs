//! Signing up, in and out.

pub mod api;
mod pages;
mod session;

pub use pages::{LogInPage, RegisterPage};
pub use session::{CurrentUser, ForSignedIn, current_user};
