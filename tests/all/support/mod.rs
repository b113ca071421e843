//! The real server on its own database and port, and what people do with it.

pub mod accounts;
pub mod answer;
pub mod browser;
pub mod database;
pub mod events;
pub mod gate;
pub mod hooks;
pub mod kinds;
pub mod mail;
pub mod notes;
pub mod phone;
pub mod program;
pub mod smtp;
pub mod statements;
pub mod tasks;

use std::net::TcpListener as Port;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::users::Role;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use server::auth::store::Store;
use server::config::LimitsConfig;
use server::db::{self, Patience};
use server::tasks::kinds::Kinds;
use server::{App, Config};
use sqlx::{Connection, PgConnection};
use starter::web::{self, Site};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;
use uuid::Uuid;

pub use answer::Answer;
pub use browser::Browser;
use database::Database;

/// Everybody's password.
pub const PASSWORD: &str = "SecurePass123";
/// 32 bytes in base64.
pub const ENCRYPTION_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// The longest that a test waits for something to happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody with an account, logged in as a program.
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub token: String,
}

/// The running program. Dropping it fails the test when it leaves tasks that it did not expect.
pub struct TestApp {
    pub app: App,
    /// The server's own, without a slash at the end.
    pub address: String,
    pub database_url: String,
    client: Client,
    expected_left: AtomicI64,
    /// Triggered at the end, when no worker rings any more.
    closing: CancellationToken,
    database: Option<Database>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// With other settings than the defaults.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_kinds(Kinds::default(), change).await
    }

    /// With kinds of task besides those of the product, and other settings than the defaults.
    pub async fn with_kinds(kinds: Kinds, change: impl FnOnce(&mut Config)) -> Self {
        let database = Database::create().await;
        let this = Self::serving(database.url(), Some(database), kinds, change).await;
        this.app.prepare().await.expect("the database is prepared");
        this.listen().await;
        this
    }

    /// On a database that is at this address, or is not.
    pub async fn at(database_url: String) -> Self {
        Self::serving(database_url, None, Kinds::default(), |config| config.database.acquire_timeout_ms = 300).await
    }

    /// On an empty database that is at this address.
    pub async fn connected_to(database_url: String) -> Self {
        let patiently = |config: &mut Config| config.database.acquire_timeout_ms = 30_000;
        let this = Self::serving(database_url, None, Kinds::default(), patiently).await;
        this.app.prepare().await.expect("the database is prepared");
        this.listen().await;
        this
    }

    /// Another process of the program on the same database, with other settings.
    pub async fn beside(&self, change: impl FnOnce(&mut Config)) -> Self {
        Self::serving(self.database_url.clone(), None, Kinds::default(), change).await
    }

    async fn serving(
        database_url: String,
        database: Option<Database>,
        kinds: Kinds,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("the port"));
        let mut config = Config::default();
        config.server.public_url.clone_from(&address);
        config.server.site_root = "no client was built".into();
        config.database.url = Some(database_url.clone().into());
        config.database.max_connections = 8;
        config.auth.encryption_key = Some(ENCRYPTION_KEY.into());
        // Tests wait for hashes beside other tests, and for nothing more often.
        config.auth.hash_niceness = 0;
        config.mail.folder = mail::new_folder();
        // Everybody here comes from one address.
        config.limits = LimitsConfig::off();
        change(&mut config);

        let pool = db::open(&config, Patience::Web).await.expect("the address is one of PostgreSQL").pool;
        let app = App::with_kinds(pool, config, kinds);
        let (router, serving) = (web::router(&app, Site::of(&app.config.server.site_root)), app.clone());
        tokio::spawn(async move { web::serve(listener, router, &serving).await });
        let client = Client::builder().no_proxy().build().expect("a client");
        Self {
            app,
            address,
            database_url,
            client,
            expected_left: AtomicI64::new(0),
            closing: CancellationToken::new(),
            database,
        }
    }

    /// Returns when every later change of a task is heard.
    async fn listen(&self) {
        let mut told = self.app.live.subscribe();
        tokio::spawn(self.app.clone().keep_in_touch(self.closing.clone()));
        within_patience("listening", told.recv()).await.expect("the listener begins");
    }

    /// Says that this many tasks will be left that have not ended.
    pub fn leaves_tasks(&self, count: i64) {
        self.expected_left.store(count, Ordering::Relaxed);
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    /// A GET by nobody.
    pub async fn open(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// A POST by nobody.
    pub async fn send(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn get(&self, person: &Person, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path).bearer_auth(&person.token)).await
    }

    pub async fn post(&self, person: &Person, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).bearer_auth(&person.token).json(&body)).await
    }

    pub async fn put(&self, person: &Person, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::PUT, path).bearer_auth(&person.token).json(&body)).await
    }

    pub async fn delete(&self, person: &Person, path: &str) -> Answer {
        Answer::to(self.request(Method::DELETE, path).bearer_auth(&person.token)).await
    }

    /// Creates an account and logs its owner in. The letter that asks for a confirmation is not sent: few tests are about it.
    pub async fn register(&self, name: &str) -> Person {
        let profile = self.send("/api/v1/auth/register", account(name)).await.data();
        self.take_letters_back().await;
        let email = profile["email"].as_str().expect("an email").to_owned();
        Person { id: id_of(&profile), name: name.into(), email, token: self.log_in(name).await }
    }

    pub async fn register_as(&self, name: &str, role: Role) -> Person {
        let person = self.register(name).await;
        self.make(&person, role).await;
        person
    }

    /// Logs in once more; the answer is the new token.
    pub async fn log_in(&self, name: &str) -> String {
        let login = json!({"username": name, "password": PASSWORD});
        let logged_in = self.send("/api/v1/auth/login", login).await.data();
        logged_in["session_token"].as_str().expect("a token").to_owned()
    }

    /// Gives the person another role.
    pub async fn make(&self, person: &Person, role: Role) {
        let done = sqlx::query("update users set role = $2 where id = $1").bind(person.id).bind(role);
        assert_eq!(done.execute(&self.app.db).await.expect("the role is changed").rows_affected(), 1);
    }

    /// A browser in which nobody is signed in.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.address)
    }

    /// A browser in which this person, who has an account, is signed in.
    pub async fn browser_of(&self, name: &str) -> Browser {
        let browser = self.browser();
        let fields = [("new[username]", name), ("new[password]", PASSWORD)];
        let answer = browser.submit("/login", "/api/auth/log_in", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (302, "/dashboard"), "{}", answer.text);
        browser
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.stopping.cancel();
        self.closing.cancel();
        mail::remove_folder(&self.app.config.mail.folder);
        if self.database.is_none() || std::thread::panicking() {
            return;
        }
        let url = self.database_url.clone();
        let left: i64 = database::at_once(async move {
            let mut conn = PgConnection::connect(&url).await.expect("the database answers");
            sqlx::query_scalar("select count(*) from tasks").fetch_one(&mut conn).await.expect("the tasks are counted")
        });
        assert_eq!(left, self.expected_left.load(Ordering::Relaxed), "tasks that the test leaves unfinished");
    }
}

/// What somebody of this name sends to register.
pub fn account(name: &str) -> Value {
    json!({"username": name, "email": format!("{}@example.com", name.to_lowercase()), "password": PASSWORD})
}

pub fn id_of(value: &Value) -> Uuid {
    value["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no id in {value}"))
}

/// The address of a database that is not there.
pub fn address_of_nothing() -> String {
    let port = Port::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port").port();
    format!("postgres://nobody@127.0.0.1:{port}/nothing?sslmode=disable")
}

pub async fn within_patience<T>(what: &str, happening: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happening).await.unwrap_or_else(|_| panic!("has not happened: {what}"))
}

/// Whether a browser that brings this token is signed in as nobody.
pub async fn is_nobodys(store: &Store, token: &Id) -> bool {
    store.load(token).await.unwrap().is_none_or(|record| record.data.is_empty())
}
