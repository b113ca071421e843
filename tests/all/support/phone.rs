//! An authenticator app, and what people do with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::{Answer, PASSWORD, Person, TestApp};

/// Seconds of a step.
const STEP: u64 = 30;

/// Somebody's app.
pub struct Phone {
    totp: Totp,
    shown: AtomicU64,
}

impl Phone {
    pub fn with(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret).expect("base32");
        Self { totp: Builder::new().with_secret(secret).build().expect("a secret"), shown: AtomicU64::new(0) }
    }

    /// A code that was not shown before. Two can be had at once: a clock may be one step early.
    pub fn code(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() / STEP;
        let step = now.max(self.shown.load(Ordering::Relaxed) + 1);
        self.shown.store(step, Ordering::Relaxed);
        self.totp.generate(step * STEP).to_string()
    }

    /// A code that is not good now, nor will be soon.
    pub fn wrong_code(&self) -> String {
        self.totp.generate(STEP).to_string()
    }
}

impl TestApp {
    /// Switches two-factor on; the answer is the app and the recovery codes.
    pub async fn switch_on(&self, person: &Person) -> (Phone, Vec<String>) {
        let enrolment = self.post(person, "/api/v1/auth/two-factor", json!({})).await.data();
        let phone = Phone::with(enrolment["secret"].as_str().expect("a secret"));
        let made = self.post(person, "/api/v1/auth/two-factor/confirm", json!({"code": phone.code()})).await.data();
        self.take_letters_back().await;
        (phone, codes_of(&made))
    }

    /// Logs in with a code, or without one.
    pub async fn log_in_with(&self, name: &str, code: Option<&str>) -> Answer {
        self.send("/api/v1/auth/login", json!({"username": name, "password": PASSWORD, "code": code})).await
    }
}

/// The recovery codes in an answer.
pub fn codes_of(made: &Value) -> Vec<String> {
    serde_json::from_value(made["codes"].clone()).expect("codes")
}
