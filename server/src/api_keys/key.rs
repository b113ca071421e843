//! The form of a key: `starter_<28 random characters>_<6 of a checksum>`.
//!
//! The fixed beginning and the checksum let secret scanners find a key in what was published by mistake, and let us refuse a
//! typo without asking the database.

use rand::Rng;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};

const LEAD: &str = "starter_";
/// 28 of 62 characters: 166 bits.
const RANDOM_LENGTH: usize = 28;
/// Characters of a key that its owner goes on seeing; 142 random bits stay hidden.
const SHOWN_LENGTH: usize = LEAD.len() + 4;
const CHECKSUM_LENGTH: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key in full; it must not be stored or logged, so it can not be printed.
pub struct Key(String);

impl Key {
    /// A new random key.
    pub fn random() -> Self {
        let random: String = rand::rng().sample_iter(Alphanumeric).take(RANDOM_LENGTH).map(char::from).collect();
        let body = format!("{LEAD}{random}");
        let checksum = checksum(&body);
        Self(format!("{body}_{checksum}"))
    }

    /// The key in this text, if it has the form of one; whether it is known is not asked.
    pub fn read(text: &str) -> Option<Self> {
        let (body, sum) = text.rsplit_once('_')?;
        let random = body.strip_prefix(LEAD)?;
        let is_whole = random.len() == RANDOM_LENGTH && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_whole && sum == checksum(body)).then(|| Self(text.to_owned()))
    }

    /// Whether the text says that it is a key, well formed or not; a session's token never does.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(LEAD)
    }

    /// What is stored to find it by.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }

    /// The beginning, for people to know it by.
    pub fn prefix(&self) -> &str {
        &self.0[..SHOWN_LENGTH]
    }

    /// The whole key, to be shown once.
    pub fn into_shown(self) -> String {
        self.0
    }
}

/// The first 32 bits of SHA-256, in base 62. Against typos, not against people.
fn checksum(body: &str) -> String {
    let hash = Sha256::digest(body);
    let mut rest = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let digits = std::iter::repeat_with(|| {
        let digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
        char::from(digit)
    });
    digits.take(CHECKSUM_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_read_back_and_no_two_are_alike() {
        let (first, second) = (Key::random(), Key::random());
        assert_ne!(first.hash(), second.hash());
        assert!(first.prefix().starts_with("starter_") && first.prefix().len() == 12);
        let text = first.into_shown();
        assert_eq!(text.len(), 8 + 28 + 1 + 6, "{text}");
        assert!(Key::read(&text).is_some());
    }

    #[test]
    fn a_typo_is_not_read() {
        let text = Key::random().into_shown();
        for place in 8..text.len() {
            let other = if text.as_bytes()[place] == b'x' { "y" } else { "x" };
            let mut typo = text.clone();
            typo.replace_range(place..=place, other);
            assert!(Key::read(&typo).is_none(), "at {place}");
        }
        for text in ["", "starter_", "starter__", "starter_é_000000", "Bearer x"] {
            assert!(Key::read(text).is_none(), "{text}");
        }
    }
}
