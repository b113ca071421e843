//! The commands of the binary.

use std::process::Output;

use reqwest::Client;
use serde_json::{Value, json};

use crate::support::program::{Program, run};
use crate::support::{Answer, TestApp, account, address_of_nothing};

/// Every route but those of health, which are at two places.
const ROUTES: &[&str] = &[
    "post /api/v1/auth/register",
    "post /api/v1/auth/login",
    "post /api/v1/auth/logout",
    "post /api/v1/auth/logout-all",
    "get /api/v1/auth/me",
    "post /api/v1/auth/refresh",
    "get /api/v1/users/me/profile",
    "put /api/v1/users/me/profile",
    "put /api/v1/users/me/password",
    "delete /api/v1/users/me",
    "get /api/v1/users",
    "post /api/v1/users",
    "get /api/v1/users/{id}",
    "delete /api/v1/users/{id}",
    "put /api/v1/users/{id}/profile",
    "put /api/v1/users/{id}/status",
    "put /api/v1/users/{id}/role",
    "post /api/v1/users/{id}/reset-password",
    "post /api/v1/users/{id}/require-password-change",
    "post /api/v1/users/bulk",
    "delete /api/v1/users/{id}/sessions",
    "post /api/v1/users/{id}/restore",
    "post /api/v1/users/{id}/impersonate",
    "delete /api/v1/auth/impersonation",
    "get /api/v1/admin/users/stats",
    "get /api/v1/admin/audit-log",
    "get /api/v1/admin/health",
    "post /api/v1/auth/logout-others",
    "post /api/v1/auth/sudo",
    "get /api/v1/auth/two-factor",
    "post /api/v1/auth/two-factor",
    "post /api/v1/auth/two-factor/confirm",
    "post /api/v1/auth/two-factor/recovery-codes",
    "post /api/v1/auth/two-factor/disable",
    "delete /api/v1/users/{id}/two-factor",
    "get /api/v1/auth/sessions",
    "delete /api/v1/auth/sessions/{id}",
    "get /api/v1/api-keys",
    "post /api/v1/api-keys",
    "delete /api/v1/api-keys",
    "delete /api/v1/api-keys/{id}",
    "post /api/v1/auth/verify-email",
    "post /api/v1/auth/verify-email/resend",
    "post /api/v1/auth/password/forgot",
    "post /api/v1/auth/password/reset",
    "get /api/v1/tasks",
    "post /api/v1/tasks",
    "get /api/v1/tasks/types",
    "get /api/v1/tasks/stats",
    "get /api/v1/tasks/dead-letter",
    "post /api/v1/tasks/batch",
    "get /api/v1/tasks/{id}",
    "get /api/v1/tasks/{id}/deliveries",
    "get /api/v1/tasks/{id}/file",
    "delete /api/v1/tasks/{id}",
    "post /api/v1/tasks/{id}/cancel",
    "post /api/v1/tasks/{id}/retry",
    "post /api/v1/tasks/{id}/run-now",
    "post /api/v1/tasks/types",
    "post /api/v1/tasks/types/{name}/pause",
    "post /api/v1/tasks/types/{name}/resume",
    "put /api/v1/tasks/types/{name}/breaker",
    "get /api/v1/tasks/queue",
    "get /api/v1/tasks/queue/minutes",
    "post /api/v1/tasks/bulk",
    "get /api/v1/tasks/schedules",
    "post /api/v1/tasks/schedules",
    "put /api/v1/tasks/schedules/{id}",
    "delete /api/v1/tasks/schedules/{id}",
    "post /api/v1/tasks/schedules/{id}/run",
    "get /api/v1/notes",
    "post /api/v1/notes",
    "get /api/v1/notes/{id}",
    "put /api/v1/notes/{id}",
    "delete /api/v1/notes/{id}",
    "post /api/v1/notes/{id}/share",
    "get /api/v1/notes/{id}/shares",
    "put /api/v1/notes/{id}/shares/{user_id}",
    "delete /api/v1/notes/{id}/shares/{user_id}",
    "put /api/v1/notes/{id}/hidden",
    "delete /api/v1/notes/{id}/hidden",
    "get /api/v1/notifications",
    "post /api/v1/notifications/read",
    "post /api/v1/notifications/{id}/read",
];

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn the_document_of_the_api_lists_every_route() {
    let output = run(&["export-openapi"], &[]).await;
    assert!(output.status.success(), "{}", said(&output));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);

    let mut routes: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        routes.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    routes.sort_unstable();
    let mut expected: Vec<String> = ROUTES.iter().copied().map(Into::into).collect();
    for path in ["", "/detailed", "/live", "/ready", "/startup"] {
        expected.extend([format!("get /health{path}"), format!("get /api/v1/health{path}")]);
    }
    expected.sort_unstable();
    assert_eq!(routes, expected);
}

#[tokio::test]
async fn the_served_document_is_the_exported_one_and_can_be_browsed() {
    let app = TestApp::start().await;
    let exported: Value = serde_json::from_slice(&run(&["export-openapi"], &[]).await.stdout).unwrap();
    assert_eq!(app.open("/api-docs/openapi.json").await.json(), exported);
    let page = app.open("/api-docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    let after = |name| page.text.split(name).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    let linked: Vec<_> = after(" src=\"").chain(after(" href=\"")).collect();
    assert!(linked.iter().any(|address| address.ends_with(".js")), "{linked:?}");
    assert!(linked.iter().all(|address| !address.contains("//")), "assets come from our own server: {linked:?}");
}

#[tokio::test]
async fn a_setting_that_is_unknown_or_bad_is_refused_by_its_name() {
    for (name, value, named) in [
        ("STARTER__SERVER__PROT", "3000", "prot"),
        ("STARTER__SERVER__PORT", "many", "server.port"),
        ("STARTER__WORKER__LEASE_SECONDS", "0", "worker.lease_seconds"),
    ] {
        let output = run(&["serve"], &[(name, value)]).await;
        assert!(!output.status.success(), "{name}");
        assert!(said(&output).contains(named), "{name}: {}", said(&output));
    }
}

#[tokio::test]
async fn printed_settings_show_no_secret() {
    let settings = [
        ("DATABASE_URL", "postgres://ada:canary-1@db.example/starter"),
        ("STARTER__INITIAL_ADMIN_PASSWORD", "canary-2-is-long"),
        ("STARTER__SERVER__PORT", "4711"),
    ];
    let output = run(&["serve", "--print-config"], &settings).await;
    assert!(output.status.success(), "{}", said(&output));
    let printed = said(&output);
    assert!(printed.contains("port = 4711") && printed.contains("initial_admin_password = \"***\""), "{printed}");
    assert!(!printed.contains("canary"), "{printed}");
}

#[tokio::test]
async fn the_doctor_says_what_to_do_when_the_database_is_away() {
    let url = address_of_nothing();
    let output = run(&["doctor"], &[("DATABASE_URL", &url), ("STARTER__SERVER__PORT", "0")]).await;
    assert!(!output.status.success());
    let line = said(&output).lines().find(|line| line.starts_with("FAIL postgresql")).map(str::to_owned);
    let line = line.unwrap_or_else(|| panic!("{}", said(&output)));
    assert!(line.contains("Check DATABASE_URL"), "{line}");
}

#[tokio::test]
async fn the_doctor_finds_migrations_that_are_pending() {
    let app = TestApp::start().await;
    let settings = [("DATABASE_URL", app.database_url.as_str()), ("STARTER__SERVER__PORT", "0")];
    assert!(said(&run(&["doctor"], &settings).await).contains("ok   migrations"));
    sqlx::query("delete from _sqlx_migrations where version = 2").execute(&app.app.db).await.unwrap();
    let found = said(&run(&["doctor"], &settings).await);
    assert!(found.contains("FAIL migrations") && found.contains("starter migrate"), "{found}");
}

#[tokio::test]
async fn in_production_the_program_complains_when_letters_go_nowhere() {
    let app = TestApp::start().await;
    let mut settings = vec![
        ("DATABASE_URL", app.database_url.as_str()),
        ("STARTER__ENVIRONMENT", "production"),
        ("STARTER__SERVER__PUBLIC_URL", "https://example.com"),
    ];
    let server = Program::start(&["serve", "--port", "0"], &settings);
    server.says("no letter reaches anybody").await;
    let found = said(&run(&["doctor"], &settings).await);
    assert!(found.contains("FAIL mail") && found.contains("mail.smtp_url"), "{found}");
    assert!(found.contains("FAIL two-factor") && found.contains("auth.encryption_key"), "{found}");

    settings.extend([
        ("STARTER__MAIL__TRANSPORT", "smtp"),
        ("STARTER__MAIL__SMTP_URL", "smtps://starter:secret-7@mail.example.com"),
    ]);
    let found = said(&run(&["doctor"], &settings).await);
    assert!(found.contains("ok   mail") && !found.contains("secret-7"), "{found}");
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let app = TestApp::start().await;
    let settings = [("DATABASE_URL", app.database_url.as_str())];
    sqlx::query("drop schema public cascade").execute(&app.app.db).await.unwrap();
    sqlx::query("create schema public").execute(&app.app.db).await.unwrap();
    let (first, second) = (said(&run(&["migrate"], &settings).await), said(&run(&["migrate"], &settings).await));
    let all = format!("{} migration(s) applied", server::MIGRATOR.iter().count());
    assert!(first.contains(&all), "{first}");
    assert!(second.contains("0 migration(s) applied"), "{second}");
}

/// The address in the line that tells that the server is ready.
async fn address_of(server: &Program) -> String {
    let line = server.says("starter is ready on ").await;
    line.split_once("ready on ").expect("an address").1.to_owned()
}

#[tokio::test]
async fn no_password_and_no_token_gets_into_a_log() {
    let app = TestApp::start().await;
    app.leaves_tasks(1);
    let settings = [
        ("DATABASE_URL", app.database_url.as_str()),
        ("STARTER__LOG__FILTER", "debug"),
        ("STARTER__INITIAL_ADMIN_PASSWORD", "canary-of-the-admin"),
    ];
    let mut server = Program::start(&["serve", "--port", "0"], &settings);
    let address = address_of(&server).await;
    let client = Client::builder().no_proxy().build().unwrap();
    let send = async |path: &str, body: &Value| Answer::to(client.post(format!("{address}{path}")).json(body)).await;

    let mut new = account("Ada");
    new["password"] = json!("canary-of-ada");
    send("/api/v1/auth/register", &new).await.data();
    let wrong = json!({"username": "Ada", "password": "canary-that-is-wrong"});
    assert_eq!(send("/api/v1/auth/login", &wrong).await.status, 401);
    assert_eq!(send("/api/v1/auth/login", &json!({"username": "Ada", "password": ["canary"]})).await.status, 422);
    let logged_in = send("/api/v1/auth/login", &json!({"username": "Ada", "password": "canary-of-ada"})).await.data();
    let token = logged_in["session_token"].as_str().unwrap();
    let me = Answer::to(client.get(format!("{address}/api/v1/auth/me")).bearer_auth(token)).await;
    assert_eq!(me.data()["username"], "Ada");
    let not_hers = client.get(format!("{address}/api/v1/admin/audit-log")).bearer_auth(token);
    assert_eq!(Answer::to(not_hers).await.status, 403);
    let form = [("new[username]", "Ada"), ("new[password]", "canary-of-ada")];
    let by_browser = Answer::to(client.post(format!("{address}/api/auth/log_in")).form(&form)).await;
    let cookie = by_browser.set_cookie("session").split(';').next().unwrap();
    let with_cookie = client.get(format!("{address}/api/v1/auth/me")).header("cookie", cookie);
    assert_eq!(Answer::to(with_cookie).await.data()["username"], "Ada");

    server.signal("TERM").await;
    assert!(server.ends().await.success(), "{}", server.said());
    let said = server.said();
    assert!(said.contains(me.header("x-request-id")), "the log has lines of these requests: {said}");
    let line = |words: &str, also: &str| said.lines().any(|line| line.contains(words) && line.contains(also));
    assert!(line("refused", "/api/v1/auth/login"), "a wrong login is in the log: {said}");
    let ada = me.data()["id"].as_str().unwrap().to_owned();
    assert!(line("a session begins", &ada) && line("a session begins", "/api/auth/log_in"), "so is a good one: {said}");
    assert!(line("refused", &ada), "and what somebody may not do, with who it was: {said}");
    for secret in ["canary", token, cookie.split_once('=').unwrap().1] {
        let line = said.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn a_server_with_a_worker_does_tasks_and_ends_in_peace() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let settings = [("DATABASE_URL", app.database_url.as_str())];
    let mut server = Program::start(&["serve", "--worker", "--port", "0"], &settings);
    let address = address_of(&server).await;
    let id = app.queue(&ada, crate::support::tasks::sum(&[1, 2])).await;
    app.until(id, model::tasks::TaskStatus::Completed).await;

    let port = address.rsplit(':').next().unwrap();
    let asked = run(&["health-check"], &[("STARTER__SERVER__PORT", port)]).await;
    assert!(asked.status.success(), "{}", said(&asked));
    server.signal("TERM").await;
    assert!(server.ends().await.success(), "{}", server.said());
    let asked = run(&["health-check"], &[("STARTER__SERVER__PORT", port)]).await;
    assert!(!asked.status.success(), "{}", said(&asked));
}

#[tokio::test]
async fn the_document_refers_only_to_what_is_in_it_and_names_nothing_twice() {
    let document = serde_json::to_value(starter::web::openapi()).unwrap();
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        let inside =
            value.as_array().into_iter().flatten().chain(value.as_object().into_iter().flat_map(|map| map.values()));
        waiting.extend(inside);
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
    }
    let fields = |schema: &str| document["components"]["schemas"][schema]["properties"].as_object().unwrap().len();
    assert_eq!((fields("ResetPassword"), fields("SetPassword")), (2, 3), "by a link, and by an administrator");
}
