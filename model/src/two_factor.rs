//! The second factor of an account: codes of an authenticator app, and recovery codes for when it is lost.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many recovery codes there are at first.
pub const RECOVERY_CODES: usize = 10;

/// Where an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TwoFactor {
    /// A login asks for the password only.
    Off,
    /// A secret was made and no code has come yet; it counts for nothing. Said only shortly after the password was given.
    SettingUp(Enrolment),
    /// A login asks for a code besides the password.
    On { recovery_codes_left: i64 },
}

/// What an authenticator app has to know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolment {
    /// Base32 (RFC 4648), to type in.
    pub secret: String,
    /// `otpauth://totp/…`, which the picture holds.
    pub uri: String,
    pub qr: QrCode,
}

/// A QR code as one path of an SVG picture, whose view box is `0 0 size size`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QrCode {
    pub size: i32,
    pub path: String,
}

/// A code of the app or a recovery code, as somebody typed it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Code {
    pub code: String,
}

/// New recovery codes, each good once. They are shown this once; the database holds only their hashes.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    pub codes: Vec<String>,
}

// Secrets and codes must not reach a log, so these say less than a derived Debug would.

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolment").finish_non_exhaustive()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodes").finish_non_exhaustive()
    }
}
