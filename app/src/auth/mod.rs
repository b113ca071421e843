//! Signing up, in and out; confirming an address, and the way back after a forgotten password.

pub mod api;
mod pages;
mod password;
mod session;
mod told;
mod verify;

pub use pages::{LogInPage, RegisterPage};
pub use password::{ForgotPasswordPage, PasswordResetPage, ResetPasswordPage, ResetSentPage};
pub use session::{CurrentUser, ForSignedIn, Whoami, current_user};
pub use verify::{EmailVerifiedPage, UnverifiedNotice, VerificationSentPage, VerifyEmailPage};
