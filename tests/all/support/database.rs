//! A database for each test, cloned from a migrated template and dropped at its end.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use embedded_postgres::{Embedded, Options};
use server::tasks::kinds::Kinds;
use server::tasks::queue;
use server::{MIGRATOR, db};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use url::Url;
use uuid::{NoContext, Timestamp, Uuid};

/// Held while the template is made.
const LOCK: i64 = 0x7374_6172_7465_7200;
/// Age at which a database was left behind by a test that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// The cluster that all tests share: the given one, or one of their own, which stops with the last of them.
static CLUSTER: LazyLock<(Url, Option<Embedded>)> = LazyLock::new(|| {
    let (url, embedded) = match env::var("TEST_DATABASE_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let data_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(".data/test-postgres");
            let options = Options {
                data_dir,
                database: "starter_test".into(),
                durable: false,
                binaries: None,
                settings: Vec::new(),
            };
            let embedded = Embedded::start(options).expect("the cluster of the tests starts");
            (embedded.database_url(), Some(embedded))
        }
    };
    (Url::parse(&url).expect("TEST_DATABASE_URL is an address"), embedded)
});

/// A database of one test.
pub struct Database {
    name: String,
}

impl Database {
    /// Clones the template, which the first test makes.
    pub async fn create() -> Self {
        let mut admin = PgConnection::connect(CLUSTER.0.as_str()).await.expect("the cluster of the tests answers");
        let template = template(&mut admin).await;
        let name = named(SystemTime::now());
        run(&mut admin, format!("create database {name} template {template}")).await;
        Self { name }
    }

    pub fn url(&self) -> String {
        url_of(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("drop database if exists {} with (force)", self.name);
        at_once(async move {
            let mut admin = PgConnection::connect(CLUSTER.0.as_str()).await.expect("the cluster of the tests answers");
            run(&mut admin, statement).await;
        });
    }
}

/// An empty database, its owner, and a role that may connect to it; all are gone at the end.
pub struct TwoRoles {
    database: Database,
    owner: String,
    rows: String,
}

impl TwoRoles {
    pub async fn create() -> Self {
        let mut admin = PgConnection::connect(CLUSTER.0.as_str()).await.expect("the cluster of the tests answers");
        let name = named(SystemTime::now());
        let (owner, rows) = (format!("{name}_owner"), format!("{name}_rows"));
        run(&mut admin, format!("create role {owner} login")).await;
        run(&mut admin, format!("create role {rows} login")).await;
        run(&mut admin, format!("create database {name} owner {owner}")).await;
        let database = Database { name };
        let mut inside = PgConnection::connect(&database.url()).await.expect("the database answers");
        // PostgreSQL 14 gives this to everybody.
        run(&mut inside, format!("alter schema public owner to {owner}")).await;
        run(&mut inside, "revoke create on schema public from public".into()).await;
        Self { database, owner, rows }
    }

    /// The role that owns the database.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    pub fn owner_url(&self) -> String {
        self.url_as(&self.owner)
    }

    pub fn rows_url(&self) -> String {
        self.url_as(&self.rows)
    }

    fn url_as(&self, role: &str) -> String {
        let mut url = Url::parse(&self.database.url()).expect("an address");
        url.set_username(role).expect("an address with a host");
        url.into()
    }
}

impl Drop for TwoRoles {
    fn drop(&mut self) {
        let Self { database, owner, rows } = self;
        let statements = [
            format!("drop database if exists {} with (force)", database.name),
            format!("drop role {owner}"),
            format!("drop role {rows}"),
        ];
        at_once(async move {
            let mut admin = PgConnection::connect(CLUSTER.0.as_str()).await.expect("the cluster of the tests answers");
            for statement in statements {
                run(&mut admin, statement).await;
            }
        });
    }
}

/// Runs what a `drop` has to wait for; it cannot wait on the runtime that it is on.
pub fn at_once<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work)
    });
    thread.join().expect("the work of a drop ends well")
}

fn url_of(database: &str) -> String {
    let mut url = CLUSTER.0.clone();
    url.set_path(database);
    url.into()
}

/// Names in the order of time, so that old ones are found.
fn named(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).expect("a time after 1970");
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, since.as_secs(), since.subsec_nanos()));
    format!("test_{}", id.simple())
}

async fn run(admin: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement)).execute(admin).await.expect("the statement is run");
}

/// The database with these migrations; being a template marks it as complete.
async fn template(admin: &mut PgConnection) -> String {
    let mut hasher = DefaultHasher::new();
    MIGRATOR.iter().for_each(|migration| (migration.version, &migration.checksum).hash(&mut hasher));
    let name = format!("template_{:016x}", hasher.finish());

    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut *admin).await.expect("the lock");
    let is_made: bool =
        sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1 and datistemplate)")
            .bind(&name)
            .fetch_one(&mut *admin)
            .await
            .expect("the databases are listed");
    if !is_made {
        make(admin, &name).await;
        sweep(admin).await;
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(admin).await.expect("the lock is given back");
    name
}

async fn make(admin: &mut PgConnection, name: &str) {
    run(admin, format!("drop database if exists {name} with (force)")).await;
    run(admin, format!("create database {name}")).await;
    let pool = PgPool::connect(&url_of(name)).await.expect("the template answers");
    db::migrate(&pool, &server::config::DatabaseConfig::default()).await.expect("the migrations are applied");
    queue::register(&pool, Kinds::default().iter()).await.expect("the task types are registered");
    pool.close().await;
    run(admin, format!("alter database {name} is_template true")).await;
}

/// Drops what killed tests have left behind.
async fn sweep(admin: &mut PgConnection) {
    let left: Vec<String> =
        sqlx::query_scalar(r"select datname from pg_database where datname like 'test\_%' and datname < $1")
            .bind(named(SystemTime::now() - LEFT_BEHIND))
            .fetch_all(&mut *admin)
            .await
            .expect("the databases are listed");
    for name in left {
        run(admin, format!("drop database if exists {name} with (force)")).await;
    }
}
