//! How often what can be guessed or abused may be tried.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The limits of doors that are open to everybody. Each is a text such as `10/15m`: ten at once, and ten in each 15 minutes after that,
/// evenly; or `off`. Tries that turn out to be right are not counted, except for registrations and letters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Wrong logins for one name or email; counted apart for each device on which its owner has logged in before.
    pub login_per_account: Rate,
    /// Wrong logins from one address.
    pub login_per_address: Rate,
    /// Wrong passwords in one session, where the password has to be given again.
    pub password_per_session: Rate,
    /// Registrations from one address.
    pub register_per_address: Rate,
    /// Letters to one address with the link to a new password.
    pub reset_per_account: Rate,
    /// Letters with the link to a new password that are asked for from one address.
    pub reset_per_address: Rate,
    /// Letters that ask one user to confirm an email.
    pub verify_per_account: Rate,
    /// Notes that one user shares, each of which is a letter to somebody else.
    pub share_per_account: Rate,
    /// Letters of the kind `email` that one user writes.
    pub email_per_account: Rate,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            login_per_account: Rate::of(10, 15 * 60),
            login_per_address: Rate::of(100, 15 * 60),
            password_per_session: Rate::of(10, 15 * 60),
            register_per_address: Rate::of(50, 3600),
            reset_per_account: Rate::of(5, 3600),
            reset_per_address: Rate::of(50, 3600),
            verify_per_account: Rate::of(5, 3600),
            share_per_account: Rate::of(60, 3600),
            email_per_account: Rate::of(50, 86_400),
        }
    }
}

impl LimitsConfig {
    /// No limits at all, for tests and measurements that come from one address.
    pub fn off() -> Self {
        Self {
            login_per_account: Rate::Off,
            login_per_address: Rate::Off,
            password_per_session: Rate::Off,
            register_per_address: Rate::Off,
            reset_per_account: Rate::Off,
            reset_per_address: Rate::Off,
            verify_per_account: Rate::Off,
            share_per_account: Rate::Off,
            email_per_account: Rate::Off,
        }
    }
}

/// A bucket that holds `most` and fills within `seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rate {
    Off,
    Of { most: u32, seconds: u32 },
}

/// The units of a rate's time, in seconds.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

impl Rate {
    pub const fn of(most: u32, seconds: u32) -> Self {
        Self::Of { most, seconds }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let odd = || format!("{text:?} is no rate; write such as 10/15m (units s, m, h, d), or off");
        if text.trim() == "off" {
            return Ok(Self::Off);
        }
        let (most, time) = text.split_once('/').ok_or_else(odd)?;
        let (unit, seconds) = UNITS.into_iter().find(|(unit, _)| time.trim().ends_with(*unit)).ok_or_else(odd)?;
        let count: u32 = time.trim().trim_end_matches(unit).parse().map_err(|_| odd())?;
        let most: u32 = most.trim().parse().map_err(|_| odd())?;
        let seconds = count.checked_mul(seconds).ok_or_else(odd)?;
        if most == 0 || seconds == 0 { Err(odd()) } else { Ok(Self::Of { most, seconds }) }
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Of { most, seconds } = self else { return f.write_str("off") };
        let fits = UNITS.into_iter().find(|(_, unit)| seconds % unit == 0);
        let (unit, size) = fits.unwrap_or(('s', 1));
        write!(f, "{most}/{}{unit}", seconds / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_it_is_printed() {
        for (text, rate) in [("10/15m", Rate::of(10, 900)), ("1/1d", Rate::of(1, 86_400)), ("3/90s", Rate::of(3, 90))] {
            assert_eq!(text.parse(), Ok(rate));
            assert_eq!(rate.to_string(), text);
        }
        assert_eq!(" 5 / 2h ".parse(), Ok(Rate::of(5, 7200)));
        assert_eq!("off".parse(), Ok(Rate::Off));
        for odd in ["", "10", "0/1m", "10/0m", "10/15", "-1/1m", "10/15min", "10/99999999d"] {
            assert!(odd.parse::<Rate>().is_err(), "{odd}");
        }
    }
}
