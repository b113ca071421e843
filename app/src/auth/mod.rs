//! Signing up, in and out.

pub mod api;
mod pages;
mod session;

pub use pages::{LogInPage, RegisterPage};
pub use session::{CurrentUser, ForSignedIn, Whoami, current_user};
