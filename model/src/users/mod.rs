//! People: who they are, and what a good name, email and password is.

pub mod bulk;
pub mod manage;
pub mod stats;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::PRODUCT;
use manage::UserStatus;

/// What a person may do; a later one includes the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type), sqlx(type_name = "user_role", rename_all = "lowercase"))]
pub enum Role {
    User,
    Moderator,
    Admin,
}

impl Role {
    /// All roles, the least powerful first.
    pub const ALL: [Self; 3] = [Self::User, Self::Moderator, Self::Admin];

    /// The word on the wire and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }
}

/// A user as the owner and administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserProfile {
    pub id: Uuid,
    pub username: String,
    pub email: String,
    pub role: Role,
    pub is_active: bool,
    pub email_verified: bool,
    pub created_at: DateTime<Utc>,
    pub last_login_at: Option<DateTime<Utc>>,
    /// Deleted accounts are kept for a while and can be restored.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Whether a login asks for a code besides the password.
    pub two_factor: bool,
}

impl UserProfile {
    /// Where the account stands.
    pub fn status(&self) -> UserStatus {
        match (self.deleted_at, self.is_active) {
            (Some(_), _) => UserStatus::Deleted,
            (None, true) => UserStatus::Active,
            (None, false) => UserStatus::Inactive,
        }
    }
}

/// Fewest and most characters of a username.
pub const USERNAME_LENGTH: (usize, usize) = (3, 50);
/// Most characters of an email address (RFC 5321, 4.5.3.1.3, less the angle brackets).
pub const EMAIL_MAX: usize = 254;
/// Fewest and most characters of a password (OWASP ASVS 5.0, 6.2.1 and 6.2.9).
pub const PASSWORD_LENGTH: (usize, usize) = (8, 128);

/// A rule for a new password beside the name and email of its owner, with what is wrong in words for its field.
pub type PasswordRule = fn(&str, &str, &str) -> Result<(), String>;

/// Words of this program and its roles, of which no password may be made (OWASP ASVS 5.0, 6.1.2 and 6.2.11). A product adds its own names.
const CONTEXT_WORDS: [&str; 4] = [PRODUCT, "administrator", "moderator", "localhost"];

/// Letters, digits, `_` and `-`, in ASCII, 3 to 50 of them.
pub fn check_username(value: &str) -> Result<(), String> {
    let (least, most) = USERNAME_LENGTH;
    let count = value.chars().count();
    if count < least || count > most {
        return Err(format!("must have {least} to {most} characters"));
    }
    if !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err("may have letters, digits, _ and - only".into());
    }
    Ok(())
}

/// Something that mail could be sent to: one `@`, a local part, a domain with a dot, no blanks.
///
/// Whether it exists is shown by a mail to it, not by a grammar.
pub fn check_email(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("is required".into());
    }
    if value.chars().count() > EMAIL_MAX {
        return Err(format!("must have at most {EMAIL_MAX} characters"));
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    let plausible = value.split_once('@').is_some_and(|(local, domain)| {
        let labels_fit =
            domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        !local.is_empty() && local.len() <= 64 && !domain.contains('@') && domain.contains('.') && labels_fit
    });
    if !plausible || value.contains(odd) {
        return Err("must be an email address".into());
    }
    Ok(())
}

/// Long enough, and not made of the user's own name or email, or of a word of this program. No composition rule (NIST SP 800-63B, 3.1.1.2).
///
/// That it is not common is asked by the server besides, which has the list.
pub fn check_password(value: &str, username: &str, email: &str) -> Result<(), String> {
    let (least, most) = PASSWORD_LENGTH;
    let count = value.chars().count();
    if count < least || count > most {
        return Err(format!("must have {least} to {most} characters"));
    }
    let lower = value.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    let own = [username, email, local].into_iter().filter(|word| word.len() >= 3);
    for word in own.chain(CONTEXT_WORDS) {
        let word = word.to_lowercase();
        if lower.contains(&word) && lower.replace(&word, "").chars().count() < 4 {
            return Err("must not be made of your name, your email or a word of this program".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_short_ascii_words() {
        for good in ["ada", "grace_h-1", &"a".repeat(50)] {
            assert_eq!(check_username(good), Ok(()), "{good}");
        }
        for bad in ["", "ab", "ada lovelace", "ädä", "a\0b", &"a".repeat(51)] {
            assert!(check_username(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn emails_have_one_at_and_a_dotted_domain() {
        for good in ["ada@example.com", "a.b+c@mail.example.org"] {
            assert_eq!(check_email(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a@b@c.de",
            "a b@c.de",
            "a@b..de",
            "a@-b.de",
            "<a@b.de>",
        ] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_are_long_and_not_the_own_name() {
        assert_eq!(check_password("SecurePass123", "ada", "ada@example.com"), Ok(()));
        assert_eq!(check_password("correct horse battery", "ada", "ada@example.com"), Ok(()));
        for bad in ["weak", "Starter12", "lovelace", "Lovelace12", "administrator", &"x".repeat(129)] {
            assert!(check_password(bad, "lovelace", "ada@example.com").is_err(), "{bad}");
        }
    }
}
