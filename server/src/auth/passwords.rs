//! The whole rule for a new password: what can be said without data (`model::users::check_password`), and the list of common ones, which is
//! too large for a browser.

use std::cmp::Ordering;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use model::users::check_password;

/// Lines in lower case, sorted by their bytes; `server/data/README.md` says where they come from.
const COMMON: &[u8] = include_bytes!("../../data/common-passwords.txt.gz");

static LIST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut list = Vec::new();
    GzDecoder::new(COMMON).read_to_end(&mut list).expect("what the compiler put in is whole");
    list
});

/// Whether this may become somebody's password. Every door that sets one comes here (OWASP ASVS 5.0, 6.2.4, 6.2.11 and 6.2.12).
///
/// # Errors
/// What is wrong with it, in words for its field.
pub fn check(value: &str, username: &str, email: &str) -> Result<(), String> {
    check_password(value, username, email)?;
    if is_common(value) { Err("is too common; choose one that is hard to guess".into()) } else { Ok(()) }
}

/// Whether it is on the list in any case, and with or without blanks around it.
fn is_common(password: &str) -> bool {
    has_line(&LIST, password.trim().to_lowercase().as_bytes())
}

/// A binary search that needs no index: from the middle it looks for the line that stands there.
fn has_line(list: &[u8], wanted: &[u8]) -> bool {
    let (mut from, mut to) = (0, list.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = list[from..middle].iter().rposition(|byte| *byte == b'\n').map_or(from, |at| from + at + 1);
        let end = list[middle..to].iter().position(|byte| *byte == b'\n').map_or(to, |at| middle + at);
        match list[start..end].cmp(wanted) {
            Ordering::Equal => return true,
            Ordering::Less => from = end + 1,
            Ordering::Greater => to = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_sorted_and_holds_nothing_that_is_refused_anyway() {
        let text = std::str::from_utf8(&LIST).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.len() > 100_000, "{}", lines.len());
        assert!(lines.is_sorted_by(|one, next| one.as_bytes() < next.as_bytes()), "sorted, each once");
        assert!(lines.iter().all(|line| line.chars().count() >= 8 && line.trim() == *line && !line.is_empty()));
    }

    #[test]
    fn every_line_is_found_in_any_case_and_nothing_else_is() {
        let text = std::str::from_utf8(&LIST).unwrap();
        for line in text.lines() {
            assert!(has_line(&LIST, line.as_bytes()), "{line}");
        }
        for common in ["Password123", "12345678", " iloveyou ", "QWERTYUIOP", "zzzzzzzz"] {
            assert!(is_common(common), "{common}");
        }
        for fine in ["SecurePass123", "correct horse battery", "", "passwor", "password\npassword1", "\u{10ffff}"] {
            assert!(!is_common(fine), "{fine:?}");
        }
    }

    #[test]
    fn a_line_is_found_wherever_it_stands() {
        for (list, found, not) in
            [("", "a", ""), ("b\n", "b", "a"), ("a\nbb\nc\n", "a bb c", "b bbb d"), ("a\nb", "a b", "c")]
        {
            assert!(
                found.split(' ').filter(|_| !list.is_empty()).all(|line| has_line(list.as_bytes(), line.as_bytes()))
            );
            assert!(not.split(' ').all(|line| !has_line(list.as_bytes(), line.as_bytes())), "{list:?}");
        }
    }

    #[test]
    fn the_rules_of_the_model_come_first() {
        assert_eq!(check("SecurePass123", "ada", "ada@example.com"), Ok(()));
        assert!(check("weak", "ada", "ada@example.com").unwrap_err().contains("characters"));
        assert!(check("Countess-1", "countess", "ada@example.com").unwrap_err().contains("your name"));
        assert!(check("Password1", "ada", "ada@example.com").unwrap_err().contains("too common"));
    }
}
