//! Health, and a database that is away.

use model::tasks::TaskKind;
use reqwest::Method;
use serde_json::json;

use crate::support::database::Database;
use crate::support::gate::Gate;
use crate::support::{Answer, TestApp, account, address_of_nothing, within_patience};

#[tokio::test]
async fn a_server_that_is_well_says_so_at_all_five_addresses() {
    let app = TestApp::start().await;
    for root in ["", "/api/v1"] {
        let health = app.open(&format!("{root}/health")).await.data();
        assert_eq!(health["status"], "healthy");
        assert_eq!(health["documentation"], json!({"openapi_json": "/api-docs/openapi.json", "api_docs": "/api-docs"}));
        assert!(health["uptime"].is_u64() && health["version"].is_string(), "{health}");
        for (path, status, probe) in
            [("live", "alive", "liveness"), ("ready", "ready", "readiness"), ("startup", "started", "startup")]
        {
            let answer = app.open(&format!("{root}/health/{path}")).await.data();
            assert_eq!((&answer["status"], &answer["probe"]), (&json!(status), &json!(probe)));
            assert!(answer["timestamp"].as_str().unwrap().ends_with('Z'), "{answer}");
        }
        let detailed = app.open(&format!("{root}/health/detailed")).await.data();
        let checks: Vec<_> = detailed["checks"].as_object().unwrap().keys().collect();
        assert_eq!(checks, ["database", "disk", "migrations", "queue", "workers"]);
        assert_eq!(detailed["status"], "degraded", "no worker is running");
    }
}

#[tokio::test]
async fn without_its_database_a_server_lives_but_is_not_ready() {
    let app = TestApp::at(address_of_nothing()).await;
    assert_eq!(app.open("/health/live").await.data()["status"], "alive");
    for path in ["/health", "/health/ready", "/health/startup", "/health/detailed", "/api/v1/health"] {
        let answer = app.open(path).await;
        assert_eq!(answer.refusal(), (503, "SERVICE_UNHEALTHY".into()), "{path}");
        let words = answer.text.to_lowercase();
        assert!(!words.contains("sqlx") && !words.contains("refused") && !words.contains("127.0.0.1"), "{words}");
    }
}

#[tokio::test]
async fn without_its_database_a_server_asks_to_come_back_later() {
    let app = TestApp::at(address_of_nothing()).await;
    let refused = [
        app.open("/api/v1/tasks/types").await,
        app.send("/api/v1/auth/login", json!({"username": "Ada", "password": "SecurePass123"})).await,
        Answer::to(app.request(Method::GET, "/api/v1/tasks").bearer_auth("some-token")).await,
    ];
    for answer in refused {
        assert_eq!(answer.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
        assert_eq!(answer.header("retry-after"), "2");
    }
    assert_eq!(app.browser().open("/").await.status, 200, "a page of which nothing is stored is there");
}

#[tokio::test]
async fn a_server_heals_when_its_database_comes_back() {
    let database = Database::create().await;
    let mut gate = Gate::before(&database.url()).await;
    let app = TestApp::at(gate.url()).await;
    assert_eq!(app.open("/api/v1/tasks/types").await.status, 503);

    for _ in 0..2 {
        gate.open().await;
        assert_eq!(app.open("/api/v1/tasks/types").await.data().as_array().unwrap().len(), TaskKind::ALL.len());
        within_patience("healthy", async { while app.open("/health").await.status != 200 {} }).await;
        gate.close().await;
        assert_eq!(app.open("/api/v1/tasks/types").await.status, 503);
        assert_eq!(app.open("/health/ready").await.status, 503);
    }
}

#[tokio::test]
async fn a_change_whose_commit_was_not_heard_of_is_answered_as_a_fault_and_may_have_happened() {
    let app = TestApp::start().await;
    let mut gate = Gate::before(&app.database_url).await;
    gate.lose_the_commit_of("insert into users");
    gate.open().await;
    let beyond = app.beside(|config| config.database.url = Some(gate.url().into())).await;
    let register = || beyond.send("/api/v1/auth/register", account("Ada"));
    let first = register().await;
    assert!(gate.has_lost_it() && first.status >= 500, "{} {}", first.status, first.text);
    assert_eq!(register().await.refusal().0, 409, "whoever tries again is told that it is there");
    app.take_letters_back().await;
    app.log_in("Ada").await;
}

#[tokio::test]
async fn a_server_whose_schema_is_behind_is_not_ready() {
    let app = TestApp::start().await;
    sqlx::query("delete from _sqlx_migrations where version = 2").execute(&app.app.db).await.unwrap();
    let behind = app.open("/health/ready").await;
    assert_eq!(behind.refusal(), (503, "SERVICE_UNHEALTHY".into()));
    assert!(behind.text.contains("Migrations are pending"), "{}", behind.text);
    assert_eq!(app.open("/health").await.status, 200, "it does its work all the same");
}
