//! Pages and plain forms, as a browser without JavaScript meets them.

use reqwest::Method;

use crate::support::{Answer, PASSWORD, TestApp};

const EVIL: &str = "</textarea><script>alert(1)</script>";

#[tokio::test]
async fn somebody_registers_queues_a_task_and_sees_its_result() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let account = [("new[username]", "Ada"), ("new[email]", "ada@example.com"), ("new[password]", PASSWORD)];
    let registered = browser.submit("/register", "/api/auth/register", &account).await;
    assert_eq!((registered.status, registered.header("location")), (302, "/dashboard"));

    let fields = [
        ("new[task_type]", "data_processing"),
        ("new[priority]", "high"),
        ("new[scheduled_at]", ""),
        ("new[payload][operation]", "sum"),
        ("new[payload][data]", "20 21, 0.5"),
    ];
    let queued = browser.submit("/tasks/new?kind=data_processing", "/api/tasks/create", &fields).await;
    assert_eq!(queued.status, 302, "{}", queued.text);
    let page = queued.header("location").to_owned();
    assert!(page.starts_with("/tasks/"), "{page}");
    assert!(browser.open(&page).await.text.contains("pending"));

    assert_eq!(app.work().await, 2, "the task, and the letter to a new account");
    let done = browser.open(&page).await;
    assert!(done.text.contains("completed") && done.text.contains("41.5"), "{}", done.text);
}

#[tokio::test]
async fn a_form_whose_page_the_browser_hides_is_refused_in_words_all_the_same() {
    let app = TestApp::start().await;
    let post = |body: &'static str| {
        let request = app.browser().request(Method::POST, "/api/auth/log_in").header("accept", "text/html").body(body);
        Answer::to(request.header("content-type", "application/x-www-form-urlencoded"))
    };

    let wrong = post("new[username]=nobody&new[password]=canary").await;
    assert_eq!(wrong.status, 401, "{}", wrong.text);
    assert!(wrong.text.contains("Your form was refused."), "{}", wrong.text);
    assert!(wrong.text.contains("Wrong username, email or password"), "{}", wrong.text);
    assert!(!wrong.text.contains("canary"));
    let garbage = post("%ff=1").await;
    assert_eq!(garbage.status, 400, "{}", garbage.text);
    assert!(garbage.text.contains("Your form was refused."), "{}", garbage.text);
}

#[tokio::test]
async fn what_is_shown_only_once_is_shown_whichever_page_the_browser_hides() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let request = browser.request(Method::POST, "/api/api_keys/create").header("accept", "text/html");
    let fields = [("new[name]", "ci"), ("new[scopes][0]", "tasks:read"), ("new[expires_in_days]", "1")];
    let made = Answer::to(request.header("sec-fetch-site", "same-origin").form(&fields)).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(made.text.contains(r#"value="starter_"#), "{}", made.text);
}

#[tokio::test]
async fn what_was_typed_into_a_refused_form_comes_back_as_text() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let fields = [
        ("new[task_type]", "data_processing"),
        ("new[payload][operation]", EVIL),
        ("new[payload][data]", EVIL),
        ("new[scheduled_at]", "\"><script>alert(2)</script>"),
    ];
    let refused = browser.submit("/tasks/new?kind=data_processing", "/api/tasks/create", &fields).await;

    assert_eq!(refused.status, 400);
    assert!(refused.text.starts_with("<!DOCTYPE html>"), "{}", refused.text);
    assert!(refused.text.contains("&lt;/textarea&gt;&lt;script&gt;alert(1)"), "{}", refused.text);
    assert!(!refused.text.contains("<script>alert"), "{}", refused.text);
    assert!(refused.text.contains("the entry at place 1 is not a number"), "{}", refused.text);
}

#[tokio::test]
async fn a_refused_registration_keeps_everything_but_the_password() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let fields = [("new[username]", "ADA"), ("new[email]", "\"><script>@x"), ("new[password]", "weak-canary-7")];
    let refused = app.browser().submit("/register", "/api/auth/register", &fields).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains(r#"value="ADA""#), "{}", refused.text);
    assert!(!refused.text.contains("canary"), "{}", refused.text);
    assert!(!refused.text.contains("\"><script>@x"), "{}", refused.text);
    assert_eq!(refused.header("set-cookie"), "", "nobody is signed in");
}

#[tokio::test]
async fn the_text_of_an_error_in_an_address_is_never_shown() {
    let app = TestApp::start().await;
    let followed = app.browser().open("/login?__path=%2Fapi%2Fauth%2Flog_in&__err=Y2FuYXJ5").await;
    assert!(matches!(followed.status, 302 | 303), "{}", followed.status);
    assert!(!followed.header("location").contains("__err"), "{:?}", followed.headers);
}

#[tokio::test]
async fn the_cookie_is_for_this_site_and_no_script() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let fields = [("new[username]", "Ada"), ("new[password]", PASSWORD)];
    let signed_in = app.browser().submit("/login", "/api/auth/log_in", &fields).await;
    let cookie = signed_in.set_cookie("session");

    assert!(cookie.starts_with("session="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    assert_eq!(signed_in.header("strict-transport-security"), "");
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_the_host_and_to_tls() {
    let app = TestApp::with(|config| config.server.public_url = "https://example.com".into()).await;
    app.register("Ada").await;
    let fields = [("new[username]", "Ada"), ("new[password]", PASSWORD)];
    let signed_in = app.browser().submit("/login", "/api/auth/log_in", &fields).await;
    let cookie = signed_in.set_cookie("__Host-session");

    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Secure"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(signed_in.header("strict-transport-security").contains("max-age="));
}

#[tokio::test]
async fn a_new_login_ends_the_session_that_the_browser_brought() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser();
    let fields = [("new[username]", "Ada"), ("new[password]", PASSWORD)];
    let first = browser.submit("/login", "/api/auth/log_in", &fields).await;
    let second = browser.submit("/login", "/api/auth/log_in", &fields).await;
    let cookie = |answer: &Answer| answer.set_cookie("session").split(';').next().unwrap().to_owned();
    assert_ne!(cookie(&first), cookie(&second));

    let me = |cookie: String| app.request(Method::GET, "/api/v1/auth/me").header("cookie", cookie);
    assert_eq!(Answer::to(me(cookie(&first))).await.status, 401);
    assert_eq!(Answer::to(me(cookie(&second))).await.status, 200);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_not_only_its_cookie() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser();
    let fields = [("new[username]", "Ada"), ("new[password]", PASSWORD)];
    let signed_in = browser.submit("/login", "/api/auth/log_in", &fields).await;
    let cookie = signed_in.set_cookie("session").split(';').next().unwrap().to_owned();

    let left = browser.submit("/dashboard", "/api/auth/log_out", &[]).await;
    assert_eq!((left.status, left.header("location")), (302, "/"));
    let kept = app.request(Method::GET, "/api/v1/auth/me").header("cookie", cookie);
    assert_eq!(Answer::to(kept).await.status, 401);
}

#[tokio::test]
async fn an_unknown_page_is_a_whole_page_with_status_404() {
    let app = TestApp::start().await;
    let answer = app.browser().open("/nothing/here").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text.starts_with("<!DOCTYPE html>") && answer.text.contains("<title>"), "{}", answer.text);
}

#[tokio::test]
async fn a_page_runs_only_the_scripts_that_carry_its_nonce() {
    let app = TestApp::start().await;
    let (first, second) = (app.browser().open("/").await, app.browser().open("/").await);
    let policy = first.header("content-security-policy");
    assert_eq!(first.status, 200);
    assert!(policy.contains("script-src 'self' 'nonce-") && !policy.contains("unsafe-inline"), "{policy}");
    assert_ne!(policy, second.header("content-security-policy"), "the nonce is new each time");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    for script in first.text.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains(nonce) || tag.contains(" src="), "{tag}");
    }
}

#[tokio::test]
async fn a_page_for_members_sends_others_to_the_login() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for page in ["/dashboard", "/tasks", "/tasks/new"] {
        let answer = browser.open(page).await;
        assert_eq!(answer.status, 302, "{page}: {}", answer.text);
        assert!(answer.header("location").starts_with("/login"), "{page}: {:?}", answer.headers);
    }
}
