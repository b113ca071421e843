//! Secrets that are sent through every door are nowhere afterwards: not in what others are answered, not in the log, not in the database.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::program::Program;
use crate::support::{Answer, Person, TestApp, id_of};

const PASSWORD: &str = "Canary-of-ada-7";
const WRONG: &str = "Canary-that-is-wrong-7";
const EMAIL: &str = "canary-address@example.com";

/// The real program on the database of the test, with everything in its log.
struct Server {
    program: Program,
    address: String,
    client: Client,
}

impl Server {
    async fn start(app: &TestApp) -> Self {
        let settings = [("DATABASE_URL", app.database_url.as_str()), ("RUST_LOG", "debug")];
        let program = Program::start(&["serve", "--port", "0"], &settings);
        let ready = program.says("ready on ").await;
        let address = ready.split("ready on ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        Self { program, address, client: Client::builder().no_proxy().build().unwrap() }
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.address)).json(body);
        Answer::to(if token.is_empty() { request } else { request.bearer_auth(token) }).await
    }

    /// As a plain form; the answer is the cookie, if it gives one.
    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let request = self.client.post(format!("{}{path}", self.address)).header("accept", "application/json");
        let answer = Answer::to(request.form(fields)).await;
        let set = answer.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let session = set.into_iter().find_map(|cookie| cookie.strip_prefix("session="));
        session.and_then(|session| session.split(';').next()).unwrap_or_default().into()
    }

    async fn get(&self, path: &str, name: &str, value: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.address)).header("accept", "text/html,*/*");
        Answer::to(request.header(name, value)).await
    }
}

/// Every row of every table, as text.
async fn dump(app: &TestApp) -> String {
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(&app.app.db)
        .await
        .unwrap();
    let mut all = String::new();
    for table in tables {
        let rows = format!("select coalesce(string_agg(one::text, ' '), '') from \"{table}\" one");
        all += &sqlx::query_scalar::<_, String>(AssertSqlSafe(rows)).fetch_one(&app.app.db).await.unwrap();
    }
    all
}

/// What Ada sends and gets that nobody else may ever see; the address is in the database, and nowhere else.
async fn secrets(app: &TestApp, server: &Server) -> (Person, Vec<String>) {
    let new = json!({"username": "Ada", "email": EMAIL, "password": PASSWORD});
    let id = id_of(&server.post("/api/v1/auth/register", "", &new).await.data());
    for body in [json!({"username": "Ada", "password": WRONG}), json!({"username": WRONG, "password": [WRONG]})] {
        assert!(server.post("/api/v1/auth/login", "", &body).await.status >= 400);
    }
    let login = server.post("/api/v1/auth/login", "", &json!({"username": "Ada", "password": PASSWORD})).await.data();
    let token = login["session_token"].as_str().unwrap().to_owned();
    let cookie = server.form("/api/auth/log_in", &[("new[username]", "Ada"), ("new[password]", PASSWORD)]).await;
    server.form("/api/auth/log_in", &[("new[username]", "Ada"), ("new[password]", WRONG)]).await;
    let created = server.post("/api/v1/api-keys", &token, &json!({"name": "ci", "scopes": ["tasks:read"]})).await;
    let key = created.json()["data"]["key"].as_str().unwrap().to_owned();
    for (name, value) in [("x-api-key", key.as_str()), ("cookie", &format!("session={cookie}"))] {
        assert_eq!(server.get("/api/v1/tasks", name, value).await.status, 200, "{name}");
    }
    server.post("/api/v1/auth/password/forgot", "", &json!({"email": EMAIL})).await.data();
    let dump_with_letter = dump(app).await;
    let reset = app.newest_token().await;
    assert!(reset.len() > 20 && !dump_with_letter.contains(&reset), "a token that waits in the queue");
    let bad = json!({"token": reset, "new_password": WRONG.to_lowercase()});
    server.post("/api/v1/auth/password/reset", "", &bad).await;
    let person = Person { id, name: "Ada".into(), email: EMAIL.into(), token: token.clone() };
    // Keys begin alike, and the beginning is shown.
    (person, vec![PASSWORD.into(), WRONG.into(), token, cookie, key[12..].to_owned(), reset])
}

#[tokio::test]
async fn no_secret_gets_to_others_nor_into_the_log_nor_into_the_database() {
    let app = TestApp::start().await;
    let mut server = Server::start(&app).await;
    let (ada, secrets) = secrets(&app, &server).await;
    let bob = app.register("Bob").await;
    let cookie =
        server.form("/api/auth/log_in", &[("new[username]", "Bob"), ("new[password]", crate::support::PASSWORD)]).await;

    let document = serde_json::to_value(starter::web::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter().filter(|(_, methods)| methods.get("get").is_some());
    let mut paths: Vec<String> = paths.map(|(path, _)| path.clone()).collect();
    paths.extend(leptos_axum::generate_route_list(app::App).iter().map(|route| route.path().to_owned()));
    let (bearer, session) = (format!("Bearer {}", bob.token), format!("session={cookie}"));
    let hidden: Vec<&str> = secrets.iter().map(String::as_str).chain([EMAIL]).collect();
    for path in &paths {
        let path = path.replace("{id}", &ada.id.to_string());
        for (name, value) in [("authorization", bearer.as_str()), ("cookie", &session), ("accept-language", "en")] {
            let answer = server.get(&path, name, value).await;
            let headers = format!("{:?}", answer.headers);
            let shown = hidden.iter().find(|secret| answer.text.contains(**secret) || headers.contains(**secret));
            assert_eq!(shown, None, "{path} by {name}");
        }
    }
    server.program.signal("TERM").await;
    server.program.ends().await;
    let (said, stored) = (server.program.said(), dump(&app).await);
    assert!(said.contains("request_id") && stored.contains(EMAIL), "there is something to look at");
    for secret in &secrets {
        let line = said.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "in the log");
        assert!(!stored.contains(secret.as_str()), "in the database: {secret}");
    }
    assert!(!said.contains(EMAIL), "an address in the log");
}

#[tokio::test]
async fn the_text_of_a_database_error_is_shown_to_nobody() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    sqlx::query("alter table api_keys rename column prefix to canary_column").execute(&app.app.db).await.unwrap();
    let fields = [("new[name]", "ci"), ("new[scopes][0]", "tasks:read")];
    let new = json!({"name": "ci", "scopes": ["tasks:read"]});
    let answers = [
        app.get(&ada, "/api/v1/api-keys").await,
        app.post(&ada, "/api/v1/api-keys", new).await,
        browser.call("/api/api_keys/list", &[]).await,
        browser.submit("/account/api-keys", "/api/api_keys/create", &fields).await,
        Answer::to(browser.request(Method::GET, "/account/api-keys").header("accept", "text/html")).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 500, "{}", answer.text);
        for word in ["canary", "prefix", "column", "42703", "sqlx", "from api_keys", "insert into"] {
            assert!(!answer.text.contains(word), "{word}: {}", answer.text);
        }
    }
}
