//! The signature of a request, by the convention *Standard Webhooks* (its "v1", HMAC-SHA256): the receiver computes the same over id, time
//! and body, and refuses what is older than a few minutes.

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// What a secret begins with, in that convention.
const PREFIX: &str = "whsec_";

/// Reads a secret.
///
/// # Errors
/// When it is not `whsec_` and 24 to 64 bytes in base64. The text does not repeat it.
pub fn key_of(secret: &SecretString) -> anyhow::Result<hmac::Key> {
    let words = "webhook.secret must be whsec_ and 24 to 64 bytes in base64";
    let text = secret.expose_secret().strip_prefix(PREFIX).context(words)?;
    let bytes = STANDARD.decode(text).ok().context(words)?;
    ensure!((24..=64).contains(&bytes.len()), words);
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// The value of `webhook-signature`.
pub fn sign(key: &hmac::Key, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_that_the_convention_gives_as_its_example() {
        let key = key_of(&SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signed = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_another_form_is_refused_without_its_text() {
        for bad in ["canary-8", "whsec_canary-8", "whsec_Y2FuYXJ5LTg="] {
            let refused = key_of(&SecretString::from(bad)).unwrap_err().to_string();
            assert!(refused.contains("webhook.secret") && !refused.contains("canary"), "{refused}");
        }
    }
}
