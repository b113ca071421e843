//! Guessing and flooding: it becomes slow, it says nothing, and it locks nobody out.

use reqwest::Method;
use serde_json::json;
use server::config::Rate;

use crate::support::{Answer, Browser, PASSWORD, TestApp, account};

const HOUR: u32 = 3600;

async fn guess(app: &TestApp, name: &str) -> Answer {
    app.send("/api/v1/auth/login", json!({"username": name, "password": "not-the-password"})).await
}

async fn log_in(app: &TestApp, name: &str) -> Answer {
    app.send("/api/v1/auth/login", json!({"username": name, "password": PASSWORD})).await
}

async fn log_in_by(browser: &Browser, name: &str, password: &str) -> Answer {
    browser.submit("/login", "/api/auth/log_in", &[("new[username]", name), ("new[password]", password)]).await
}

/// Moves the buckets instead of waiting.
async fn pass_minutes(app: &TestApp, minutes: i32) {
    let moved = sqlx::query("update rate_limits set full_at = full_at - make_interval(mins => $1)").bind(minutes);
    moved.execute(&app.app.db).await.unwrap();
}

/// Refused, and told how long to wait: at most so many seconds.
fn is_limited(answer: &Answer, most: u64) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=most).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn guessing_at_an_account_becomes_slow_whether_or_not_it_exists() {
    let app = TestApp::with(|config| config.limits.login_per_account = Rate::of(3, HOUR)).await;
    app.register("Ada").await;
    app.register("Bob").await;
    for name in ["Ada", "nobody"] {
        for _ in 0..3 {
            assert_eq!(guess(&app, name).await.status, 401);
        }
        let refused = guess(&app, &name.to_uppercase()).await;
        is_limited(&refused, 1200);
        assert_eq!(refused.json()["error"]["code"], "RATE_LIMITED");
    }
    is_limited(&log_in(&app, "Ada").await, 1200);
    assert_eq!(log_in(&app, "Bob").await.status, 200);

    pass_minutes(&app, 20).await;
    assert_eq!(guess(&app, "Ada").await.status, 401);
    is_limited(&guess(&app, "Ada").await, 1200);
    pass_minutes(&app, 20).await;
    assert_eq!(log_in(&app, "Ada").await.status, 200);
}

#[tokio::test]
async fn who_gives_the_right_password_is_never_limited() {
    let app = TestApp::with(|config| {
        config.limits.login_per_account = Rate::of(2, HOUR);
        config.limits.login_per_address = Rate::of(2, HOUR);
    })
    .await;
    app.register("Ada").await;
    for _ in 0..6 {
        assert_eq!(log_in(&app, "Ada").await.status, 200);
    }
    assert_eq!(guess(&app, "Ada").await.status, 401);
    assert_eq!(log_in(&app, "Ada").await.status, 200);
}

#[tokio::test]
async fn many_guesses_at_once_are_no_way_around_a_limit() {
    let app = TestApp::with(|config| config.limits.login_per_account = Rate::of(5, HOUR)).await;
    app.register("Ada").await;
    let answers = futures::future::join_all((0..14).map(|_| guess(&app, "Ada"))).await;
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(401), with(429)), (5, 9));
}

#[tokio::test]
async fn a_stranger_who_guesses_locks_nobody_out_of_a_known_browser() {
    let app = TestApp::with(|config| config.limits.login_per_account = Rate::of(2, HOUR)).await;
    app.register("Ada").await;
    app.register("Eve").await;
    let (known, of_eve) = (app.browser_of("Ada").await, app.browser_of("Eve").await);
    for _ in 0..2 {
        guess(&app, "Ada").await;
    }
    is_limited(&log_in_by(&app.browser(), "Ada", PASSWORD).await, 1800);
    is_limited(&log_in_by(&of_eve, "Ada", PASSWORD).await, 1800);
    assert_eq!(log_in_by(&known, "Ada", PASSWORD).await.status, 302);
    assert_eq!(log_in_by(&known, "ada@example.com", PASSWORD).await.status, 302, "by the name as by the email");

    // Nor is a known browser a way to guess without end.
    for _ in 0..2 {
        assert_eq!(log_in_by(&known, "Ada", "not-the-password").await.status, 401);
    }
    is_limited(&log_in_by(&known, "Ada", PASSWORD).await, 1800);
}

#[tokio::test]
async fn a_browser_is_known_by_its_last_cookie_only_and_until_the_password_changes() {
    let app = TestApp::with(|config| config.limits.login_per_account = Rate::of(1, HOUR)).await;
    let ada = app.register("Ada").await;
    let browser = app.browser();
    let first = log_in_by(&browser, "Ada", PASSWORD).await;
    let cookie = first.set_cookie("device");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    let old = cookie.split(';').next().unwrap().to_owned();
    log_in_by(&browser, "Ada", PASSWORD).await;
    guess(&app, "Ada").await;

    let by_the_old = app.request(Method::POST, "/api/v1/auth/login").header("cookie", old);
    let login = json!({"username": "Ada", "password": PASSWORD});
    is_limited(&Answer::to(by_the_old.header("origin", &app.address).json(&login)).await, HOUR.into());
    assert_eq!(log_in_by(&browser, "Ada", PASSWORD).await.status, 302);

    let change = json!({"current_password": PASSWORD, "new_password": "another-Secret-9"});
    assert_eq!(app.put(&ada, "/api/v1/users/me/password", change).await.status, 200);
    is_limited(&log_in_by(&browser, "Ada", "another-Secret-9").await, HOUR.into());
    app.take_letters_back().await;
}

#[tokio::test]
async fn an_address_is_limited_over_all_names_and_only_proxies_speak_for_others() {
    let app = TestApp::with(|config| {
        config.limits.login_per_address = Rate::of(2, HOUR);
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    app.register("Ada").await;
    let from = async |address: &str, name: &str| {
        let guess = json!({"username": name, "password": PASSWORD});
        let request = app.request(Method::POST, "/api/v1/auth/login").header("x-forwarded-for", address);
        Answer::to(request.json(&guess)).await
    };
    for name in ["carol", "dave"] {
        assert_eq!(from("2001:db8::1", name).await.status, 401);
    }
    is_limited(&from("2001:db8::2", "Ada").await, 1800);
    assert_eq!(from("2001:db8:0:1::2", "Ada").await.status, 200);
    assert_eq!(from("192.0.2.1", "erin").await.status, 401);
}

#[tokio::test]
async fn registrations_and_letters_are_limited() {
    let app = TestApp::with(|config| {
        config.limits.register_per_address = Rate::of(2, HOUR);
        config.limits.reset_per_account = Rate::of(2, HOUR);
        config.limits.reset_per_address = Rate::of(3, HOUR);
        config.limits.verify_per_account = Rate::of(1, HOUR);
    })
    .await;
    let ada = app.register("Ada").await;
    assert_eq!(
        app.send("/api/v1/auth/register", json!({"username": "a", "email": "b", "password": "c"})).await.status,
        400
    );
    assert_eq!(app.send("/api/v1/auth/register", account("Ada")).await.status, 409);
    is_limited(&app.send("/api/v1/auth/register", account("Bob")).await, 1800);
    let form = [("new[username]", "Bob"), ("new[email]", "bob@example.com"), ("new[password]", PASSWORD)];
    let page = app.browser().submit("/register", "/api/auth/register", &form).await;
    is_limited(&page, 1800);
    assert!(page.text.contains("Too many tries; please try again in 30 minutes"), "{}", page.text);

    let forgot = async |email: &str| app.send("/api/v1/auth/password/forgot", json!({"email": email})).await;
    for email in ["nobody@example.com", "Nobody@example.com"] {
        assert_eq!(forgot(email).await.status, 200);
    }
    is_limited(&forgot("nobody@example.com").await, 1800);
    is_limited(&forgot("ada@example.com").await, 1200);

    assert_eq!(app.post(&ada, "/api/v1/auth/verify-email/resend", json!({})).await.status, 200);
    is_limited(&app.post(&ada, "/api/v1/auth/verify-email/resend", json!({})).await, HOUR.into());
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_stolen_session_is_no_place_to_guess_the_password() {
    let app = TestApp::with(|config| config.limits.password_per_session = Rate::of(2, HOUR)).await;
    let ada = app.register("Ada").await;
    let mut elsewhere = app.register("Bob").await;
    elsewhere.token = app.log_in("Ada").await;
    let confirm =
        async |person, password: &str| app.post(person, "/api/v1/auth/sudo", json!({"password": password})).await;
    assert_eq!(confirm(&ada, PASSWORD).await.status, 200);
    assert_eq!(confirm(&ada, "wrong").await.status, 401);
    let change = json!({"current_password": "wrong", "new_password": "another-Secret-9"});
    assert_eq!(app.put(&ada, "/api/v1/users/me/password", change.clone()).await.status, 401);
    is_limited(&app.put(&ada, "/api/v1/users/me/password", change).await, 1800);
    is_limited(&confirm(&ada, PASSWORD).await, 1800);
    let delete = json!({"password": PASSWORD, "confirmation": "DELETE"});
    let refused = app.request(Method::DELETE, "/api/v1/users/me").bearer_auth(&ada.token).json(&delete);
    is_limited(&Answer::to(refused).await, 1800);
    assert_eq!(confirm(&elsewhere, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_browser_keeps_the_session_only_when_it_is_told_to() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let session_cookie = async |fields: &[(&str, &str)]| {
        let browser = app.browser();
        let answer = browser.submit("/login", "/api/auth/log_in", fields).await;
        let cookie = answer.set_cookie("session").to_owned();
        let confirmed =
            browser.submit("/account/confirm", "/api/auth/confirm", &[("new[password]", PASSWORD), ("to", "/")]).await;
        let again = confirmed.set_cookie("session");
        assert_eq!(cookie.contains("Max-Age"), again.contains("Max-Age"), "a confirmed session is of the same sort");
        cookie
    };
    let kept_for = "select extract(epoch from idle_until - created_at)::bigint / 3600 from sessions order by created_at desc limit 1";
    let hours = async || sqlx::query_scalar::<_, i64>(kept_for).fetch_one(&app.app.db).await.unwrap();

    let name = [("new[username]", "Ada"), ("new[password]", PASSWORD)];
    assert!(!session_cookie(&name).await.contains("Max-Age"));
    assert_eq!(hours().await, 24);
    let kept = session_cookie(&[name[0], name[1], ("new[remember]", "true")]).await;
    assert!(kept.contains("Max-Age=1209600"), "{kept}");
    assert_eq!(hours().await, 24 * 14);
}
