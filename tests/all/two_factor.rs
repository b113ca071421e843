//! Switching the second factor on and off.

use model::users::Role;
use reqwest::Method;
use serde_json::json;
use server::config::Environment;
use server::mail::Letter;

use crate::support::phone::{Phone, codes_of};
use crate::support::{Answer, PASSWORD, TestApp};

const STATUS: &str = "/api/v1/auth/two-factor";
const CONFIRM: &str = "/api/v1/auth/two-factor/confirm";
const DISABLE: &str = "/api/v1/auth/two-factor/disable";
const RENEW: &str = "/api/v1/auth/two-factor/recovery-codes";

#[tokio::test]
async fn it_counts_from_the_first_code_on_and_the_other_sessions_end() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let other = app.log_in("Ada").await;
    assert_eq!(app.get(&ada, STATUS).await.data(), json!({"state": "off"}));
    let nothing = app.post(&ada, CONFIRM, json!({"code": "123456"})).await;
    assert_eq!(nothing.refusal(), (409, "CONFLICT".into()), "nothing was started");

    let enrolment = app.post(&ada, STATUS, json!({})).await.data();
    let phone = Phone::with(enrolment["secret"].as_str().unwrap());
    assert_eq!(app.get(&ada, STATUS).await.data()["state"], "setting_up");
    assert_eq!(app.post(&ada, CONFIRM, json!({"code": phone.wrong_code()})).await.fields(), ["code"]);
    assert_eq!(app.log_in_with("Ada", None).await.status, 200, "it does not count yet");

    let code = phone.code();
    let codes = codes_of(&app.post(&ada, CONFIRM, json!({"code": code})).await.data());
    assert!(codes.len() == 10 && codes.iter().all(|code| code.len() == 31), "{codes:?}");
    assert_eq!(app.get(&ada, STATUS).await.data(), json!({"state": "on", "recovery_codes_left": 10}));
    assert_eq!(app.get(&ada, "/api/v1/users/me/profile").await.data()["two_factor"], true);
    let with_other = app.request(Method::GET, "/api/v1/auth/me").bearer_auth(other);
    assert_eq!(Answer::to(with_other).await.status, 401, "a session that began without it");
    assert_eq!(app.log_in_with("Ada", Some(&code)).await.status, 401, "the first code is used up");
    assert_eq!(app.post(&ada, STATUS, json!({})).await.refusal(), (409, "CONFLICT".into()), "on already");
    assert_eq!(app.letters_waiting().await, [Letter::TwoFactorOn { user_id: ada.id }]);
    assert_eq!(app.work().await, 1);
    assert_eq!(app.letters().await[0].subject, "Two-factor was switched on");
}

#[tokio::test]
async fn secret_and_recovery_codes_do_not_lie_open_in_the_database() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let enrolment = app.post(&ada, STATUS, json!({})).await.data();
    let secret = totp_rs::Secret::try_from_base32(enrolment["secret"].as_str().unwrap()).unwrap();
    let stored: Vec<u8> = sqlx::query_scalar("select secret from two_factor").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(stored.len(), 24 + 20 + 16, "nonce, secret, tag");
    assert!(!stored.windows(20).any(|part| part == secret.as_bytes()));

    // Whoever can write to the database can not give somebody the secret of another account.
    let eve = app.register("Eve").await;
    app.post(&eve, STATUS, json!({})).await.data();
    let swap = "update two_factor set secret = (select secret from two_factor where user_id <> $1) where user_id = $1";
    app.change(ada.id, swap).await;
    assert_eq!(app.get(&ada, STATUS).await.refusal(), (500, "INTERNAL_ERROR".into()));
}

#[tokio::test]
async fn each_change_wants_a_password_that_was_given_lately() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let lapse = "update sessions set sudo_until = now() where user_id = $1";
    let enrolment = app.post(&ada, STATUS, json!({})).await.data();
    let phone = Phone::with(enrolment["secret"].as_str().unwrap());
    app.change(ada.id, lapse).await;
    assert_eq!(app.get(&ada, STATUS).await.data(), json!({"state": "off"}), "the secret is not shown");
    let wanted = (403, "REAUTHENTICATION_REQUIRED".to_owned());
    for path in [STATUS, CONFIRM, RENEW, DISABLE] {
        assert_eq!(app.post(&ada, path, json!({"code": phone.code()})).await.refusal(), wanted, "{path}");
    }
    app.change(ada.id, "update two_factor set confirmed_at = now() where user_id = $1").await;
    for path in [RENEW, DISABLE] {
        assert_eq!(app.post(&ada, path, json!({"code": phone.code()})).await.refusal(), wanted, "{path}");
    }
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old_ones() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    assert_eq!(app.post(&ada, RENEW, json!({})).await.status, 409, "two-factor is off");
    let (_, old) = app.switch_on(&ada).await;
    assert_eq!(app.log_in_with("Ada", Some(&old[0])).await.status, 200);
    let letter = Letter::RecoveryCodeUsed { user_id: ada.id, left: 9 };
    assert_eq!(app.letters_waiting().await, [letter]);
    app.work().await;
    assert!(app.letters().await[0].text.contains("9 codes are left"));

    let new = codes_of(&app.post(&ada, RENEW, json!({})).await.data());
    assert_eq!(app.get(&ada, STATUS).await.data()["recovery_codes_left"], 10);
    assert_eq!(app.log_in_with("Ada", Some(&old[1])).await.status, 401);
    let typed = new[0].to_lowercase().replace('-', " ");
    assert_eq!(app.log_in_with("Ada", Some(&typed)).await.status, 200, "as people type it");
    app.take_letters_back().await;
}

#[tokio::test]
async fn it_is_switched_off_by_a_code() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    assert_eq!(app.post(&ada, DISABLE, json!({"code": "123456"})).await.status, 409, "it is off");
    let (phone, codes) = app.switch_on(&ada).await;
    for wrong in [phone.wrong_code(), "ABCDE-FGHJK-LMNPQ-RSTUV".into(), String::new()] {
        assert_eq!(app.post(&ada, DISABLE, json!({"code": wrong})).await.fields(), ["code"]);
    }
    app.post(&ada, DISABLE, json!({"code": phone.code()})).await.data();
    assert_eq!(app.get(&ada, STATUS).await.data(), json!({"state": "off"}));
    let letter = Letter::TwoFactorOff { user_id: ada.id, by_administrator: false };
    assert_eq!(app.letters_waiting().await, [letter]);
    assert_eq!(app.log_in_with("Ada", None).await.status, 200);
    let (_, again) = app.switch_on(&ada).await;
    assert!(!again.contains(&codes[0]));
    assert_eq!(app.log_in_with("Ada", Some(&codes[0])).await.status, 401, "a code of before");
}

#[tokio::test]
async fn an_administrator_takes_it_away_and_its_owner_is_told() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    app.switch_on(&ada).await;
    let path = format!("/api/v1/users/{}/two-factor", ada.id);
    app.change(alma.id, "update sessions set sudo_until = now() where user_id = $1").await;
    assert_eq!(app.delete(&alma, &path).await.refusal(), (403, "REAUTHENTICATION_REQUIRED".into()));
    app.post(&alma, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await.data();
    assert_eq!(app.delete(&alma, &path).await.data()["two_factor"], false);
    assert_eq!(app.log_in_with("Ada", None).await.status, 200);
    let log = app.get(&alma, "/api/v1/admin/audit-log").await.data();
    assert_eq!(
        (&log[0]["action"], &log[0]["rule"]),
        (&json!("user.reset_two_factor"), &json!("ResetTwoFactor Below admin"))
    );
    assert_eq!(app.work().await, 1);
    let letter = &app.letters().await[0];
    assert!(
        letter.subject == "Two-factor was switched off" && letter.text.contains("An administrator has"),
        "{}",
        letter.text
    );
}

#[tokio::test]
async fn without_a_key_nobody_switches_it_on_in_production() {
    let app = TestApp::with(|config| {
        config.environment = Environment::Production;
        config.auth.encryption_key = None;
    })
    .await;
    let ada = app.register("Ada").await;
    assert_eq!(app.post(&ada, STATUS, json!({})).await.refusal(), (409, "CONFLICT".into()));
}

#[tokio::test]
async fn a_browser_without_javascript_sets_it_up_and_sees_the_codes_once() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let page = "/account/two-factor";
    assert!(browser.open("/account").await.text.contains(r#"href="/account/two-factor""#));
    assert!(browser.open(page).await.text.contains("Set up two-factor"));
    let started = browser.submit(page, "/api/two_factor/start", &[]).await;
    assert_eq!((started.status, started.header("location")), (302, page));

    let shown = browser.open(page).await.text;
    assert!(shown.contains(r#"aria-label="QR code with the key""#) && shown.contains("M4,4h1v1h-1z"), "{shown}");
    let key = shown.split_once("data-secret").expect("the key").1.split_once('>').expect("its tag").1;
    let phone = Phone::with(key.split_once('<').expect("its end").0);
    let wrong = phone.wrong_code();
    let refused = browser.submit(page, "/api/two_factor/on", &[("new[code]", &wrong)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("is not the code that the app shows now") && !refused.text.contains(&wrong));

    let done = browser.submit(page, "/api/two_factor/on", &[("new[code]", &phone.code())]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(
        done.text.contains("Your new recovery codes") && done.text.contains("Recovery codes left: "),
        "{}",
        done.text
    );
    let again = browser.open(page).await.text;
    assert!(again.contains("Recovery codes left: ") && !again.contains("Your new recovery codes"), "shown once");
    let off = browser.submit(page, "/api/two_factor/off", &[("new[code]", &phone.code())]).await;
    assert_eq!((off.status, off.header("location")), (302, "/account/two-factor?done=two-factor-off"), "{}", off.text);
    app.take_letters_back().await;
}
