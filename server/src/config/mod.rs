//! Typed settings: a flag wins over the environment, the environment over the file, the file over the defaults.

mod limits;
mod load;
mod work;

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use limits::{LimitsConfig, Rate};
pub use load::{Overrides, load, printed};
pub use work::{FilesConfig, ReportsConfig, WebhookConfig};

/// Every setting of the program. Unknown keys are refused.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub environment: Environment,
    /// Creates `admin` with this password when there is no administrator.
    #[serde(serialize_with = "masked", skip_serializing_if = "Option::is_none")]
    pub initial_admin_password: Option<SecretString>,
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub auth: AuthConfig,
    pub limits: LimitsConfig,
    pub mail: MailConfig,
    pub worker: WorkerConfig,
    pub tasks: TasksConfig,
    pub webhook: WebhookConfig,
    pub files: FilesConfig,
    pub reports: ReportsConfig,
    pub notes: model::notes::NoteLimits,
    pub log: LogConfig,
}

/// Where the program runs; development allows plain http and seeded logins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    #[default]
    Development,
    Production,
}

/// The HTTP side.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    pub host: String,
    /// 0 lets the system choose.
    pub port: u16,
    /// The address that browsers use; `https` turns on secure cookies and HSTS. Derived from host and port when empty.
    pub public_url: String,
    /// Largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// Seconds that a request may take, the body included.
    pub request_timeout_seconds: u64,
    /// Seconds that a client may take to send its headers.
    pub header_timeout_seconds: u64,
    /// Requests in progress at once; more are answered with 503.
    pub max_concurrent_requests: usize,
    /// Streams of live events open at once; more are answered with 503.
    pub max_live_streams: usize,
    /// Seconds that requests in progress get when the process is told to stop.
    pub shutdown_grace_seconds: u64,
    /// The networks of the proxies in front of the program; only they are believed about whom they speak for.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which those proxies say it.
    pub proxy_header: ProxyHeader,
    /// The folder of the built client, unless it is inside the binary.
    pub site_root: PathBuf,
}

/// How proxies name the client. One only: what a proxy does not write itself it passes on from whoever sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 3000,
            public_url: String::new(),
            body_limit_bytes: 2 * 1024 * 1024,
            request_timeout_seconds: 30,
            header_timeout_seconds: 10,
            max_concurrent_requests: 512,
            max_live_streams: 1024,
            shutdown_grace_seconds: 10,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::default(),
            site_root: "target/site".into(),
        }
    }
}

impl ServerConfig {
    /// Whether browsers come by https.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// PostgreSQL: a given one by `url`, else the program's own in `data_dir`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Also read from `DATABASE_URL`.
    #[serde(serialize_with = "masked", skip_serializing_if = "Option::is_none")]
    pub url: Option<SecretString>,
    /// The same database as the role that owns the schema, for migrations; then that of `url` needs no more than its rows.
    #[serde(serialize_with = "masked", skip_serializing_if = "Option::is_none")]
    pub migration_url: Option<SecretString>,
    /// Whether a PostgreSQL on another machine has to be reached by TLS with a checked certificate. Production refuses to start otherwise,
    /// development warns.
    pub require_tls: bool,
    pub max_connections: u32,
    /// Milliseconds that a web request waits for a connection before it is answered with 503.
    pub acquire_timeout_ms: u64,
    /// The folder of the embedded cluster.
    pub data_dir: PathBuf,
    /// Whether processes wake one another by LISTEN and NOTIFY. Behind a pooler that shares connections between transactions it must be
    /// `false`; workers then poll, and pages read again every 30 s.
    pub notifications: bool,
    /// Whether the embedded cluster keeps what it confirmed when the machine goes down; `false` is for tests.
    pub durable: bool,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: None,
            migration_url: None,
            require_tls: true,
            max_connections: 20,
            acquire_timeout_ms: 2000,
            data_dir: ".data/postgres".into(),
            notifications: true,
            durable: true,
        }
    }
}

/// Sessions and passwords.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Hours without a request after which a session ends; a refresh starts them anew.
    pub session_duration_hours: u32,
    /// Hours after which a session ends whatever happens.
    pub session_absolute_hours: u32,
    /// Minutes that must lie between two refreshes of one session.
    pub refresh_min_interval_minutes: u32,
    /// Days that a deleted account can be restored; then it is removed for good.
    pub restorable_days: u32,
    /// Minutes after a login or a confirmed password in which what is delicate can be done.
    pub sudo_minutes: u32,
    /// The key that encrypts the secrets of second factors: 32 bytes in base64. In development one is made beside `database.data_dir`.
    #[serde(serialize_with = "masked", skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<SecretString>,
    /// Keys that secrets may still be under. They are read with them, and never encrypted.
    #[serde(deserialize_with = "secrets", serialize_with = "all_masked")]
    pub former_encryption_keys: Vec<SecretString>,
    /// Passwords hashed at once; 0 means half the processors, at least one.
    pub hash_concurrency: usize,
    /// How far hashing stands back behind requests on a busy machine: 0 not at all, 19 the most (nice(1)). Of meaning on Linux only.
    pub hash_niceness: u8,
    /// Hours that the link of a letter to a new address is good.
    pub verify_email_hours: u32,
    /// Minutes that the link to a new password is good; at most an hour.
    pub reset_password_minutes: u32,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            session_duration_hours: 24,
            session_absolute_hours: 24 * 14,
            refresh_min_interval_minutes: 5,
            restorable_days: 30,
            sudo_minutes: 10,
            encryption_key: None,
            former_encryption_keys: Vec::new(),
            hash_concurrency: 0,
            hash_niceness: 5,
            verify_email_hours: 24,
            reset_password_minutes: 60,
        }
    }
}

/// Letters to users.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    pub transport: MailTransport,
    /// The mail server with name and password: `smtps://…`, or `smtp://…?tls=required` for STARTTLS.
    #[serde(serialize_with = "masked", skip_serializing_if = "Option::is_none")]
    pub smtp_url: Option<SecretString>,
    /// Whom letters are from: an address, or a name with one in angle brackets.
    pub from: String,
    /// The folder of the mailbox.
    pub folder: PathBuf,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            transport: MailTransport::Mailbox,
            smtp_url: None,
            from: "starter <starter@localhost>".into(),
            folder: ".data/mail".into(),
        }
    }
}

/// The way out for letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Files in a folder, shown at `/dev/mail` in development.
    Mailbox,
    Smtp,
}

/// The background worker.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Tasks that one worker runs at once.
    pub concurrency: usize,
    /// Milliseconds between two looks for work when no notification comes.
    pub poll_interval_ms: u64,
    /// Seconds after its last sign of life when a worker counts as dead.
    pub lease_seconds: u32,
    /// Seconds that running tasks get to end when the worker is told to stop.
    pub grace_seconds: u64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self { concurrency: 8, poll_interval_ms: 1000, lease_seconds: 15, grace_seconds: 10 }
    }
}

/// How long the task queue remembers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TasksConfig {
    /// Days that completed and cancelled tasks can be read; dropped by the day.
    pub history_days: u32,
    /// Days that the figures of each minute are kept.
    pub stats_days: u32,
}

impl Default for TasksConfig {
    fn default() -> Self {
        Self { history_days: 30, stats_days: 7 }
    }
}

/// Logs, on standard error.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    pub format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`, which wins over it.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info,sqlx=warn".into() }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty in a terminal, JSON otherwise.
    Auto,
    Pretty,
    Json,
}

fn masked<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("***")
}

fn all_masked<S: Serializer>(secrets: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(|_| "***"))
}

fn secrets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    Ok(parts(deserializer)?.into_iter().map(SecretString::from).collect())
}

/// An address alone is a network of one.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |part: String| part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
    let networks: Result<Vec<_>, _> = parts(deserializer)?.into_iter().map(read).collect();
    networks.map_err(|_| D::Error::custom("server.trusted_proxies must be addresses or networks such as 10.0.0.0/8"))
}

/// A list, or its parts in one text with commas between, as the environment has it; without empty ones.
fn parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let parts = match Given::deserialize(deserializer)? {
        Given::List(parts) => parts,
        Given::Text(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
    };
    Ok(parts.into_iter().filter(|part| !part.is_empty()).collect())
}
