//! Logging in with a second factor.

use futures::future::join_all;
use reqwest::Method;
use reqwest::header::{ACCEPT, COOKIE};
use serde_json::json;
use server::config::Rate;

use crate::support::{Answer, Browser, PASSWORD, Person, TestApp};

const WRONG: &str = "INVALID_CREDENTIALS";
const LOGIN: [(&str, &str); 2] = [("new[username]", "Ada"), ("new[password]", PASSWORD)];

/// Gives the password; the answer is the token of the challenge.
async fn begin(browser: &Browser) -> String {
    let asked = browser.submit("/login", "/api/auth/log_in", &LOGIN).await;
    assert_eq!((asked.status, asked.header("location")), (302, "/login/code"), "{}", asked.text);
    let cookie = asked.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Max-Age=300"),
        "{cookie}"
    );
    let token = cookie.strip_prefix("login=").and_then(|rest| rest.split(';').next());
    token.unwrap_or_else(|| panic!("no challenge in {cookie}")).to_owned()
}

/// Tries a code with somebody else's challenge.
async fn steal(app: &TestApp, token: &str, code: &str) -> Answer {
    let request = app.request(Method::POST, "/api/auth/code").header(ACCEPT, "application/json");
    Answer::to(request.header(COOKIE, format!("login={token}")).form(&[("new[code]", code)])).await
}

async fn sessions_of(app: &TestApp, person: &Person) -> i64 {
    let query = sqlx::query_scalar("select count(*) from sessions where user_id = $1").bind(person.id);
    query.fetch_one(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn a_program_gives_the_code_with_the_password_and_each_code_is_good_once() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (phone, codes) = app.switch_on(&ada).await;
    assert_eq!(app.log_in_with("Ada", None).await.refusal(), (401, "TWO_FACTOR_REQUIRED".into()));
    assert_eq!(app.log_in_with("Ada", Some("")).await.refusal(), (401, "TWO_FACTOR_REQUIRED".into()));
    let code = phone.code();
    for body in [
        json!({"username": "Ada", "password": "not this one"}),
        json!({"username": "Ada", "password": "not this one", "code": code}),
        json!({"username": "Nobody", "password": PASSWORD, "code": code}),
        json!({"username": "Ada", "password": PASSWORD, "code": phone.wrong_code()}),
        json!({"username": "Ada", "password": PASSWORD, "code": "ABCDE-FGHJK-LMNPQ-RSTUV"}),
    ] {
        assert_eq!(app.send("/api/v1/auth/login", body.clone()).await.refusal(), (401, WRONG.into()), "{body}");
    }
    assert_eq!(sessions_of(&app, &ada).await, 1, "the one that switched it on");
    let token = app.log_in_with("Ada", Some(&code)).await.data()["session_token"].as_str().unwrap().to_owned();
    assert_eq!(Answer::to(app.request(Method::GET, "/api/v1/auth/me").bearer_auth(token)).await.status, 200);
    assert_eq!(app.log_in_with("Ada", Some(&code)).await.refusal(), (401, WRONG.into()), "replayed");
    assert_eq!(app.log_in_with("Ada", Some(&codes[0])).await.status, 200);
    assert_eq!(app.log_in_with("Ada", Some(&codes[0])).await.refusal(), (401, WRONG.into()), "replayed");
    app.take_letters_back().await;
}

#[tokio::test]
async fn after_ten_wrong_codes_only_a_recovery_code_helps_for_an_hour() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (phone, codes) = app.switch_on(&ada).await;
    for _ in 0..10 {
        assert_eq!(app.log_in_with("Ada", Some(&phone.wrong_code())).await.status, 401);
    }
    let code = phone.code();
    assert_eq!(app.log_in_with("Ada", Some(&code)).await.refusal(), (401, WRONG.into()), "not looked at");
    assert_eq!(app.log_in_with("Ada", Some(&codes[0])).await.status, 200);
    app.change(ada.id, "update two_factor set misses_since = now() - interval '61 minutes' where user_id = $1").await;
    app.change(ada.id, "update two_factor set last_step = 0 where user_id = $1").await;
    assert_eq!(app.log_in_with("Ada", Some(&code)).await.status, 200);
    app.take_letters_back().await;
}

#[tokio::test]
async fn of_fifty_uses_of_one_recovery_code_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (_, codes) = app.switch_on(&ada).await;
    let many = "insert into login_challenges (id, user_id, token_hash, is_remembered, expires_at)
        select gen_random_uuid(), $1, sha256(('token-' || n)::bytea), false, now() + interval '5 minutes' from generate_series(1, 50) as n";
    sqlx::query(many).bind(ada.id).execute(&app.app.db).await.unwrap();
    let tokens: Vec<_> = (1..=50).map(|n| format!("token-{n}")).collect();
    let answers = join_all(tokens.iter().map(|token| steal(&app, token, &codes[0]))).await;
    let (good, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status < 400);
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!((good.len(), refused.len()), (1, 49), "{statuses:?}");
    good[0].set_cookie("session");
    for refused in refused {
        assert_eq!((refused.status, refused.header("set-cookie")), (401, ""), "{statuses:?}");
        assert!(refused.text.contains("wrong_credentials"), "{}", refused.text);
    }
    assert_eq!(sessions_of(&app, &ada).await, 2, "the one that switched it on, and the one by the code");
    let used: i64 = sqlx::query_scalar("select count(*) from recovery_codes where used_at is not null")
        .fetch_one(&app.app.db)
        .await
        .unwrap();
    assert_eq!((used, app.letters_waiting().await.len()), (1, 1));
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_browser_without_javascript_is_asked_for_the_code_after_the_password() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (phone, _) = app.switch_on(&ada).await;
    let browser = app.browser();
    let wrong = [("new[username]", "Ada"), ("new[password]", "not this one")];
    let refused = browser.submit("/login", "/api/auth/log_in", &wrong).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (401, ""), "nothing is said before the right password");
    begin(&browser).await;
    assert_eq!(sessions_of(&app, &ada).await, 1, "the one that switched it on");
    assert_eq!(Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await.status, 401);
    assert!(browser.open("/login/code").await.text.contains(r#"autocomplete="one-time-code""#));

    let wrong = phone.wrong_code();
    let refused = browser.submit("/login/code", "/api/auth/code", &[("new[code]", &wrong)]).await;
    assert_eq!(refused.status, 401, "{}", refused.text);
    assert!(refused.text.contains("Your code") && !refused.text.contains(&wrong), "{}", refused.text);
    let done = browser.submit("/login/code", "/api/auth/code", &[("new[code]", &phone.code())]).await;
    assert_eq!((done.status, done.header("location")), (302, "/dashboard"), "{}", done.text);
    assert_eq!(Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await.data()["username"], "Ada");
    assert_eq!(app.browser().submit("/login/code", "/api/auth/code", &[("new[code]", "123456")]).await.status, 409);
}

#[tokio::test]
async fn a_stolen_challenge_is_no_session_and_good_for_five_tries_within_five_minutes() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (phone, codes) = app.switch_on(&ada).await;
    let token = begin(&app.browser()).await;
    let me = || app.request(Method::GET, "/api/v1/auth/me");
    assert_eq!(Answer::to(me().bearer_auth(&token)).await.status, 401);
    for name in ["login", "session"] {
        assert_eq!(Answer::to(me().header(COOKIE, format!("{name}={token}"))).await.status, 401, "{name}");
    }
    for _ in 0..5 {
        assert_eq!(steal(&app, &token, &phone.wrong_code()).await.status, 401);
    }
    assert_eq!(steal(&app, &token, &codes[0]).await.status, 409, "the sixth try");

    let late = begin(&app.browser()).await;
    let age = "update login_challenges set created_at = now() - interval '6 minutes', expires_at = now()";
    sqlx::query(age).execute(&app.app.db).await.unwrap();
    assert_eq!(steal(&app, &late, &codes[0]).await.status, 409, "too late");
    let ended = begin(&app.browser()).await;
    app.post(&ada, "/api/v1/auth/logout-all", json!({})).await.data();
    assert_eq!(steal(&app, &ended, &codes[0]).await.status, 409, "ended with all sessions");
    let used = begin(&app.browser()).await;
    assert!(steal(&app, &used, &codes[0]).await.status < 400);
    assert_eq!(steal(&app, &used, &codes[1]).await.status, 409, "good for one login");
    app.take_letters_back().await;
}

#[tokio::test]
async fn the_password_once_more_wants_the_code_as_well() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (phone, codes) = app.switch_on(&ada).await;
    app.change(ada.id, "update sessions set sudo_until = now() where user_id = $1").await;
    let sudo = async |code: Option<&str>| {
        app.post(&ada, "/api/v1/auth/sudo", json!({"password": PASSWORD, "code": code})).await
    };
    assert_eq!(sudo(None).await.refusal(), (401, "TWO_FACTOR_REQUIRED".into()));
    assert_eq!(sudo(Some(&phone.wrong_code())).await.refusal(), (401, WRONG.into()));
    let confirmed = "select count(*) from sessions where sudo_until > now()";
    assert_eq!(sqlx::query_scalar::<_, i64>(confirmed).fetch_one(&app.app.db).await.unwrap(), 0);
    sudo(Some(&phone.code())).await.data();

    let browser = app.browser();
    begin(&browser).await;
    browser.submit("/login/code", "/api/auth/code", &[("new[code]", &codes[0])]).await;
    let page = "/account/confirm?to=/account/api-keys";
    assert!(browser.open(page).await.text.contains(r#"name="new[code]""#));
    let without = [("new[password]", PASSWORD), ("to", "/account/api-keys")];
    assert_eq!(browser.submit(page, "/api/auth/confirm", &without).await.status, 401);
    let with = [("new[password]", PASSWORD), ("new[code]", &*codes[1]), ("to", "/account/api-keys")];
    let confirmed = browser.submit(page, "/api/auth/confirm", &with).await;
    assert_eq!((confirmed.status, confirmed.header("location")), (302, "/account/api-keys"), "{}", confirmed.text);
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_new_password_by_a_link_does_not_get_around_it() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (phone, _) = app.switch_on(&ada).await;
    let waiting = begin(&app.browser()).await;
    app.forgot(&ada.email).await.data();
    let token = app.newest_token().await;
    app.reset(&token, "another-Secret-9").await.data();
    let login = |code: Option<String>| json!({"username": "Ada", "password": "another-Secret-9", "code": code});
    let without = app.send("/api/v1/auth/login", login(None)).await;
    assert_eq!(without.refusal(), (401, "TWO_FACTOR_REQUIRED".into()));
    let code = phone.code();
    assert_eq!(steal(&app, &waiting, &code).await.status, 409, "it began with the old password");
    assert_eq!(app.send("/api/v1/auth/login", login(Some(code))).await.status, 200);
    app.take_letters_back().await;
}

#[tokio::test]
async fn wrong_codes_are_wrong_logins_of_the_address_and_right_ones_are_not_counted() {
    let app = TestApp::with(|config| config.limits.login_per_address = Rate::of(3, 3600)).await;
    let ada = app.register("Ada").await;
    let (phone, codes) = app.switch_on(&ada).await;
    let browser = app.browser();
    for code in &codes[..4] {
        begin(&browser).await;
        let right = browser.submit("/login/code", "/api/auth/code", &[("new[code]", code)]).await;
        assert_eq!(right.status, 302, "{}", right.text);
        browser.submit("/dashboard", "/api/auth/log_out", &[]).await;
    }
    begin(&browser).await;
    let wrong = phone.wrong_code();
    for _ in 0..2 {
        let refused = browser.submit("/login/code", "/api/auth/code", &[("new[code]", wrong.as_str())]).await;
        assert_eq!(refused.status, 401, "{}", refused.text);
    }
    assert_eq!(app.log_in_with("Ada", Some(&wrong)).await.status, 401, "by a program, from the same address");
    let refused = browser.submit("/login/code", "/api/auth/code", &[("new[code]", codes[4].as_str())]).await;
    assert_eq!((refused.status, refused.header("retry-after").is_empty()), (429, false), "{}", refused.text);
    assert!(refused.text.contains("Too many tries"), "{}", refused.text);
    assert_eq!(app.log_in_with("Ada", Some(&codes[4])).await.refusal(), (429, "RATE_LIMITED".into()));
    sqlx::query("update rate_limits set full_at = now()").execute(&app.app.db).await.unwrap();
    let right = browser.submit("/login/code", "/api/auth/code", &[("new[code]", codes[4].as_str())]).await;
    assert_eq!(right.status, 302, "the code was not looked at before: {}", right.text);
    app.take_letters_back().await;
}
