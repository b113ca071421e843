//! Signing up, in and out; confirming an address, and the way back after a forgotten password.

pub mod api;
mod code;
mod confirm;
mod pages;
mod password;
mod session;
mod sessions;
mod told;
mod verify;

pub use code::CodePage;
pub use confirm::{ConfirmPage, confirm_address};
pub use pages::{LogInPage, RegisterPage};
pub use password::{ForgotPasswordPage, PasswordResetPage, ResetPasswordPage, ResetSentPage};
pub use session::{CurrentUser, ForSignedIn, Whoami, current_user};
pub use sessions::SessionsPage;
pub use verify::{EmailVerifiedPage, UnverifiedNotice, VerificationSentPage, VerifyEmailPage};
