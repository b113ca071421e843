//! Confirming an email address.

use std::time::Duration;

use serde_json::json;
use server::mail::Letter;

use crate::support::mail::token_in;
use crate::support::{Answer, Person, TestApp, account};

/// Longer than two letters must lie apart.
const A_WHILE: Duration = Duration::from_secs(61);

async fn is_verified(app: &TestApp, person: &Person) -> bool {
    let query = sqlx::query_scalar("select email_verified from users where id = $1").bind(person.id);
    query.fetch_one(&app.app.db).await.expect("there is such a user")
}

async fn resend(app: &TestApp, person: &Person) -> Answer {
    app.post(person, "/api/v1/auth/verify-email/resend", json!({})).await
}

#[tokio::test]
async fn a_new_account_is_asked_to_confirm_its_address_and_the_link_works_once() {
    let app = TestApp::start().await;
    let ada = app.sign_up("Ada").await;
    assert_eq!(app.letters_waiting().await, [Letter::VerifyEmail { user_id: ada.id }]);
    let token = app.newest_token().await;
    assert_eq!(app.letters().await[0].to, ada.email);
    assert!(!is_verified(&app, &ada).await);

    assert_eq!(app.verify(&token).await.status, 200);
    assert!(is_verified(&app, &ada).await);
    assert_eq!(app.verify(&token).await.refusal(), (400, "INVALID_INPUT".into()));
}

#[tokio::test]
async fn an_account_that_was_not_made_gets_no_letter() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    assert_eq!(app.send("/api/v1/auth/register", account("ADA")).await.status, 409);
    assert!(app.letters_waiting().await.is_empty());
}

#[tokio::test]
async fn following_the_link_changes_nothing_and_the_button_does() {
    let app = TestApp::start().await;
    let ada = app.sign_up("Ada").await;
    let page = format!("/verify-email?token={}", app.newest_token().await);
    let browser = app.browser();

    let opened = browser.open(&page).await;
    assert_eq!(opened.status, 200);
    assert!(!is_verified(&app, &ada).await, "a scanner that follows links confirms nothing");
    let token =
        opened.text.split("name=\"new[token]\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!(opened.text.matches(token).count(), 1, "in the form's own field only: {}", opened.text);

    let done = browser.submit(&page, "/api/auth/verify_email", &[("new[token]", token)]).await;
    assert_eq!((done.status, done.header("location")), (302, "/verify-email/done"));
    assert!(browser.open("/verify-email/done").await.text.contains("Your email is confirmed"));
    assert!(is_verified(&app, &ada).await);

    let again = browser.submit(&page, "/api/auth/verify_email", &[("new[token]", token)]).await;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("This link does not work any more"), "{}", again.text);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_link_is_answered_alike() {
    let app = TestApp::start().await;
    let mut answers = Vec::new();
    let spoilt = [
        "update user_tokens set created_at = now() - interval '2 days', expires_at = now() - interval '1 second' where user_id = $1",
        "update user_tokens set used_at = now() where user_id = $1",
        "update user_tokens set purpose = 'reset_password' where user_id = $1",
        "update users set email = 'else@example.com' where id = $1",
        "update users set is_active = false where id = $1",
    ];
    for (place, change) in spoilt.into_iter().enumerate() {
        let person = app.sign_up(&format!("Person{place}")).await;
        let token = app.newest_token().await;
        app.change(person.id, change).await;
        answers.push(app.verify(&token).await);
        assert!(!is_verified(&app, &person).await, "{change}");
    }
    answers.push(app.verify("never-made").await);
    answers.push(app.verify("").await);
    let answers: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.text.replace(answer.header("x-request-id"), "…")).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn the_letter_is_sent_again_at_most_once_a_minute_and_the_first_click_counts() {
    let app = TestApp::start().await;
    let ada = app.sign_up("Ada").await;
    let first = app.newest_token().await;
    assert_eq!(resend(&app, &ada).await.status, 200);
    assert_eq!(resend(&app, &ada).await.refusal(), (409, "CONFLICT".into()));
    assert_eq!(app.work().await, 1);
    assert_eq!(resend(&app, &ada).await.refusal(), (409, "CONFLICT".into()));
    app.pass_time(A_WHILE).await;
    assert_eq!(resend(&app, &ada).await.status, 200);
    assert_eq!(app.work().await, 1);
    assert_eq!(app.letters().await.len(), 3);

    assert_eq!(app.verify(&first).await.status, 200, "a later letter does not spoil an earlier one");
    for letter in app.letters().await {
        assert_eq!(app.verify(&token_in(&letter.text)).await.status, 400, "one click is enough");
    }
    app.pass_time(A_WHILE).await;
    assert_eq!(resend(&app, &ada).await.refusal(), (409, "CONFLICT".into()));
    assert!(app.letters_waiting().await.is_empty());
}

#[tokio::test]
async fn a_letter_that_became_pointless_is_not_sent() {
    let app = TestApp::start().await;
    let ada = app.sign_up("Ada").await;
    app.change(ada.id, "update users set email_verified = true where id = $1").await;
    assert_eq!(app.work().await, 1);
    assert!(app.letters().await.is_empty());
}

#[tokio::test]
async fn only_somebody_signed_in_asks_for_the_letter_again() {
    let app = TestApp::start().await;
    let refused = app.send("/api/v1/auth/verify-email/resend", json!({})).await;
    assert_eq!(refused.refusal(), (401, "UNAUTHORIZED".into()));
    assert_eq!(app.browser().call("/api/auth/resend_verification", &[]).await.status, 401);
}

#[tokio::test]
async fn the_dashboard_says_so_while_an_address_is_not_confirmed() {
    let app = TestApp::start().await;
    app.sign_up("Ada").await;
    let browser = app.browser_of("Ada").await;
    let words = "Your email is not confirmed yet";
    assert!(browser.open("/dashboard").await.text.contains(words));

    let sent = browser.submit("/dashboard", "/api/auth/resend_verification", &[]).await;
    assert_eq!((sent.status, sent.header("location")), (302, "/verify-email/sent"));
    let too_soon = browser.submit("/dashboard", "/api/auth/resend_verification", &[]).await;
    assert_eq!(too_soon.status, 409);
    assert!(too_soon.text.contains("on its way already"), "{}", too_soon.text);

    let token = app.newest_token().await;
    assert_eq!(app.verify(&token).await.status, 200);
    assert!(!browser.open("/dashboard").await.text.contains(words));
}
