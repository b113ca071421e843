//! The envelope, and requests that cannot be served.

use model::tasks::TaskKind;
use model::users::Role;
use reqwest::header::{CONTENT_TYPE, ORIGIN};
use reqwest::{Body, Method, RequestBuilder};
use serde_json::json;

use crate::support::tasks::delay;
use crate::support::{Answer, TestApp};

#[tokio::test]
async fn a_success_comes_as_compact_json_that_always_has_a_message() {
    let app = TestApp::start().await;
    let types = app.open("/api/v1/tasks/types").await;

    assert_eq!(types.header("content-type"), "application/json");
    assert!(types.text.starts_with(r#"{"success":true,"data":["#), "{}", types.text);
    assert!(types.text.ends_with(r#","message":null}"#), "{}", types.text);
    let names: Vec<_> = types.data().as_array().unwrap().iter().map(|kind| kind["task_type"].clone()).collect();
    assert_eq!(names, TaskKind::ALL.map(TaskKind::name));
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_and_says_how_to_treat_it() {
    let app = TestApp::start().await;
    let ask = || Answer::to(app.request(Method::GET, "/api/v1/health/live").header("x-request-id", "mine"));
    let (first, second) = (ask().await, ask().await);

    assert!(first.header("x-request-id").len() > 30, "{:?}", first.headers);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(first.header("x-content-type-options"), "nosniff");
    assert_eq!(first.header("referrer-policy"), "same-origin");
    assert!(first.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(first.header("cache-control"), "no-store");
    assert_eq!(first.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn all_fields_that_are_wrong_are_named_in_one_answer() {
    let app = TestApp::start().await;
    let refused = app.send("/api/v1/auth/register", json!({"username": "a", "email": "b", "password": "weak"})).await;

    assert_eq!(refused.refusal(), (400, "VALIDATION_FAILED".into()));
    assert_eq!(refused.fields(), ["username", "email", "password"]);
    assert!(refused.text.contains("Validation failed for username: "), "{}", refused.text);
}

/// What is sent, and the status and code of the refusal.
type Bad = (&'static str, RequestBuilder, u16, &'static str);

fn bad_bodies(app: &TestApp) -> Vec<Bad> {
    let post = || app.request(Method::POST, "/api/v1/tasks");
    let json = |text: &str| post().header(CONTENT_TYPE, "application/json").body(text.to_owned());
    let nested = format!(r#"{{"task_type":"delay_task","payload":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let parts = futures::stream::iter((0..80).map(|_| Ok::<_, std::io::Error>("x".repeat(1024))));
    vec![
        ("JSON that is cut off", json(r#"{"task_type":"#), 400, "INVALID_INPUT"),
        ("no body at all", json(""), 400, "INVALID_INPUT"),
        ("bytes that are no UTF-8", json("{}").body(vec![b'"', 0xff, b'"']), 400, "INVALID_INPUT"),
        ("JSON nested too deep", json(&nested), 400, "INVALID_INPUT"),
        (
            "a NUL in a text",
            json(r#"{"task_type":"delay_task","payload":{"task_id":"a\u0000b"}}"#),
            400,
            "INVALID_INPUT",
        ),
        ("a NUL in a key", json(r#"{"task_type":"delay_task","payload":{"a\u0000b":1}}"#), 400, "INVALID_INPUT"),
        ("a number for a text", json(r#"{"task_type":7,"payload":{}}"#), 422, "INVALID_INPUT"),
        ("a missing field", json(r#"{"task_type":"delay_task"}"#), 422, "INVALID_INPUT"),
        ("a list for an object", json("[]"), 422, "INVALID_INPUT"),
        (
            "a list of the fields of an object",
            json("").body(r#"["delay_task",{"delay_seconds":1},null,null,null,null,null,null]"#),
            422,
            "INVALID_INPUT",
        ),
        (
            "an unknown priority",
            json(r#"{"task_type":"delay_task","payload":{"delay_seconds":1},"priority":"urgent"}"#),
            422,
            "INVALID_INPUT",
        ),
        ("no content type", post().body(delay(1).to_string()), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("a form", post().form(&[("task_type", "delay_task")]), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("a body over the limit", json(&"x".repeat(70 * 1024)), 413, "PAYLOAD_TOO_LARGE"),
        ("a body over the limit, of unknown length", json("").body(Body::wrap_stream(parts)), 413, "PAYLOAD_TOO_LARGE"),
    ]
}

fn bad_addresses(app: &TestApp) -> Vec<Bad> {
    let get = |path: &str| app.request(Method::GET, path);
    vec![
        ("a NUL in the query", get("/api/v1/tasks?task_type=a%00b"), 400, "INVALID_INPUT"),
        ("a limit that is no number", get("/api/v1/tasks?limit=many"), 400, "INVALID_INPUT"),
        ("a limit that no integer holds", get("/api/v1/tasks?limit=99999999999999999999"), 400, "INVALID_INPUT"),
        ("a limit below one", get("/api/v1/tasks?limit=-1"), 400, "VALIDATION_FAILED"),
        ("an offset below zero", get("/api/v1/tasks?offset=-1"), 400, "VALIDATION_FAILED"),
        ("a parameter twice", get("/api/v1/tasks?limit=1&limit=2"), 400, "INVALID_INPUT"),
        ("an offset too deep", get("/api/v1/tasks?offset=99999999"), 400, "VALIDATION_FAILED"),
        ("a status that does not exist", get("/api/v1/tasks?status=lost"), 400, "INVALID_INPUT"),
        ("an id that is no UUID", get("/api/v1/tasks/7"), 400, "INVALID_INPUT"),
        ("an id with a NUL", get("/api/v1/tasks/%00"), 400, "INVALID_INPUT"),
        (
            "a name with a NUL",
            app.request(Method::POST, "/api/v1/tasks/types/delay%00task/resume"),
            400,
            "INVALID_INPUT",
        ),
        ("an id that is no UTF-8", get("/api/v1/tasks/%ff"), 400, "INVALID_INPUT"),
        ("the id of nothing", get("/api/v1/tasks/00000000-0000-0000-0000-000000000000"), 404, "TASK_NOT_FOUND"),
        ("an unknown address", get("/api/v1/nothing/here"), 404, "NOT_FOUND"),
        ("the root of the API", get("/api/v1/"), 404, "NOT_FOUND"),
        ("the root of the API without a slash", get("/api/v1"), 404, "NOT_FOUND"),
        ("a server function that does not exist", app.request(Method::POST, "/api/nothing"), 404, "NOT_FOUND"),
        ("a change by GET", get("/api/tasks/create?new%5Btask_type%5D=delay_task"), 404, "NOT_FOUND"),
        ("a method that is not known there", app.request(Method::DELETE, "/api/v1/tasks"), 405, "METHOD_NOT_ALLOWED"),
    ]
}

#[tokio::test]
async fn bad_input_is_refused_in_the_envelope_and_changes_nothing() {
    let app = TestApp::with(|config| config.server.body_limit_bytes = 64 * 1024).await;
    // Of a moderator, because an administrator's list would show every task.
    let grace = app.register_as("Grace", Role::Moderator).await;

    for (what, request, status, code) in bad_bodies(&app).into_iter().chain(bad_addresses(&app)) {
        let answer = Answer::to(request.bearer_auth(&grace.token)).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{what}");
        assert!(!answer.text.to_lowercase().contains("serde") && !answer.text.contains("at line"), "{}", answer.text);
    }
    assert_eq!(app.get(&grace, "/api/v1/tasks").await.data(), json!([]));
}

#[tokio::test]
async fn nothing_echoes_a_request_by_trace() {
    let app = TestApp::start().await;
    for path in ["/", "/login", "/pkg/starter.js", "/api/v1/tasks", "/api/tasks/create", "/health", "/api-docs"] {
        let answer = Answer::to(app.request(Method::TRACE, path).header("x-canary", "canary-7")).await;
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
        assert!(!answer.text.contains("canary-7"), "{path}");
    }
}

#[tokio::test]
async fn no_door_reads_a_body_over_the_limit() {
    let app = TestApp::with(|config| config.server.body_limit_bytes = 64 * 1024).await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let numbers = "1 ".repeat(40 * 1024);
    let fields = [
        ("new[task_type]", "data_processing"),
        ("new[payload][operation]", "sum"),
        ("new[payload][data]", numbers.as_str()),
    ];
    assert_eq!(browser.submit("/tasks/new", "/api/tasks/create", &fields).await.status, 413, "a plain form");
    assert_eq!(browser.call("/api/tasks/create", &fields).await.status, 413, "a server function");
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_in_any_form() {
    let app = TestApp::start().await;
    let me = || app.request(Method::GET, "/api/v1/auth/me");
    let requests = [
        ("no token", me()),
        ("an unknown token", me().bearer_auth("nobody-has-this")),
        ("an empty token", me().header("authorization", "Bearer ")),
        ("another scheme", me().basic_auth("ada", Some("SecurePass123"))),
        ("bytes beyond ASCII", me().header("authorization", &b"Bearer \xff\xfe"[..])),
        ("a cookie that is none", me().header("cookie", "session=%00; session=nonsense")),
    ];
    for (what, request) in requests {
        let answer = Answer::to(request).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".into()), "{what}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
    }
}

#[tokio::test]
async fn the_scheme_of_a_token_is_read_in_any_case() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request =
            app.request(Method::GET, "/api/v1/auth/me").header("authorization", format!("{scheme} {}", ada.token));
        assert_eq!(Answer::to(request).await.data()["username"], "Ada", "{scheme}");
    }
}

#[tokio::test]
async fn another_site_cannot_make_a_browser_change_anything() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let evil =
        [(ORIGIN.as_str(), "https://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")];

    for (name, value) in evil {
        let rest = browser.request(Method::POST, "/api/v1/tasks").json(&delay(0)).header(name, value);
        assert_eq!(Answer::to(rest).await.refusal(), (403, "FORBIDDEN".into()), "{name}: {value}");
        let fields = [("new[task_type]", "delay_task"), ("new[payload][delay_seconds]", "0")];
        let form = browser.request(Method::POST, "/api/tasks/create").form(&fields).header(name, value);
        assert_eq!(Answer::to(form).await.refusal(), (403, "FORBIDDEN".into()), "{name}: {value}");
        let log_out = browser.request(Method::POST, "/api/auth/log_out").header(name, value);
        assert_eq!(Answer::to(log_out).await.refusal(), (403, "FORBIDDEN".into()), "{name}: {value}");
    }
    assert_eq!(app.get(&ada, "/api/v1/tasks").await.data(), json!([]));
    let me = Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await;
    assert_eq!(me.data()["username"], "Ada", "still signed in");

    // No browser sends a token on its own, so with one it does not matter where the request comes from.
    let with_token =
        app.request(Method::POST, "/api/v1/tasks").bearer_auth(&ada.token).header(ORIGIN, "https://evil.example");
    Answer::to(with_token.json(&delay(0))).await.data();
    app.work().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_in_the_envelope() {
    let app = TestApp::with(|config| config.server.request_timeout_seconds = 1).await;
    let never = Body::wrap_stream(futures::stream::pending::<std::io::Result<Vec<u8>>>());
    let login = app.request(Method::POST, "/api/v1/auth/login").header(CONTENT_TYPE, "application/json");

    assert_eq!(Answer::to(login.body(never)).await.refusal(), (408, "REQUEST_TIMEOUT".into()));
}

#[tokio::test]
async fn a_full_server_says_when_to_come_back() {
    let app = TestApp::with(|config| config.server.max_live_streams = 1).await;
    let ada = app.register("Ada").await;
    let _watching = app.watch(&ada).await;

    let refused = app.get(&ada, "/live/tasks").await;
    assert_eq!(refused.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
    assert_eq!(refused.header("retry-after"), "2");
}
