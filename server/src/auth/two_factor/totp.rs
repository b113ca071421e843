//! Codes of an authenticator app: RFC 6238 with SHA-1, six digits and 30 seconds, which every app knows.

use anyhow::anyhow;
use model::PRODUCT;
use model::two_factor::{Enrolment, QrCode};
use qrcodegen::{QrCode as Drawn, QrCodeEcc};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::{Error, Result};

/// Bytes of a secret (RFC 4226, 4: 160 bits are recommended).
const SECRET_BYTES: usize = 20;
const DIGITS: u8 = 6;
const STEP_SECONDS: u64 = 30;
/// Steps that a clock may be early or late (RFC 6238, 5.2).
const SKEW: u16 = 1;
/// The light border that a reader needs around the picture (ISO/IEC 18004: four modules).
const QUIET: i32 = 4;

/// A new random secret.
pub fn new_secret() -> Vec<u8> {
    rand::random::<[u8; SECRET_BYTES]>().to_vec()
}

/// Whether this has the form of an app's code.
pub fn is_code(text: &str) -> bool {
    text.len() == usize::from(DIGITS) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The step of time that the code is of; none when it is not of this one, the one before or the next.
pub fn step_of(secret: &[u8], code: &str, unix_seconds: i64) -> Result<Option<i64>> {
    let now = u64::try_from(unix_seconds).unwrap_or_default();
    let step = totp(secret, "")?.check(code, now);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// What an app has to know to make codes for this account.
pub fn enrolment(secret: &[u8], username: &str) -> Result<Enrolment> {
    let totp = totp(secret, username)?;
    let uri = totp.to_url().map_err(|error| Error::Broken(anyhow!("no address of a secret: {error}")))?;
    Ok(Enrolment { secret: totp.secret().to_base32(), qr: drawn(&uri)?, uri })
}

fn totp(secret: &[u8], username: &str) -> Result<Totp> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_skew(SKEW)
        .with_step_duration(STEP_SECONDS)
        .with_secret(Secret::new(secret.into()))
        .with_issuer(Some(PRODUCT))
        .with_account_name(username)
        .build()
        .map_err(|error| Error::Broken(anyhow!("a secret of a second factor is unusable: {error}")))
}

fn drawn(text: &str) -> Result<QrCode> {
    let code = Drawn::encode_text(text, QrCodeEcc::Medium)
        .map_err(|error| Error::Broken(anyhow!("the picture of a secret: {error}")))?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET));
        }
    }
    Ok(QrCode { size: code.size() + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of the eight digits there.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(step_of(secret, code, seconds).unwrap(), Some(seconds / 30));
            assert_eq!(step_of(secret, code, seconds + 30).unwrap(), Some(seconds / 30), "a late clock");
            assert_eq!(step_of(secret, code, seconds + 60).unwrap(), None);
        }
    }

    #[test]
    fn an_app_learns_the_secret_and_whose_it_is() {
        let enrolment = enrolment(b"12345678901234567890", "Ada").unwrap();
        assert_eq!(enrolment.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let is_whole =
            enrolment.uri.starts_with("otpauth://totp/starter:Ada?") && enrolment.uri.contains("issuer=starter");
        assert!(is_whole && enrolment.uri.contains(&enrolment.secret), "{}", enrolment.uri);
        // The corner of every QR code: seven dark modules, after the border.
        assert!(enrolment.qr.path.starts_with("M4,4h1v1h-1zM5,4h1v1h-1z"), "{}", enrolment.qr.path);
    }
}
