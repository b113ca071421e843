use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use config::{Environment as EnvironmentSource, File, FileFormat};
use secrecy::{ExposeSecret, SecretString};

use super::{Config, Environment};

/// The file that is read when it exists and no other is named.
const DEFAULT_FILE: &str = "starter.toml";
/// What the names of settings in the environment begin with.
const PREFIX: &str = "STARTER";

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub file: Option<PathBuf>,
    pub host: Option<String>,
    pub port: Option<u16>,
}

/// Reads file and environment and checks every value; the error names the key and where it was set.
pub fn load(overrides: &Overrides) -> anyhow::Result<Config> {
    from(overrides, std::env::vars().collect())
}

fn from(overrides: &Overrides, env: HashMap<String, String>) -> anyhow::Result<Config> {
    let database_url = env.get("DATABASE_URL").filter(|url| !url.is_empty()).cloned();
    let mut builder = config::Config::builder();
    if let Some(file) = file_to_read(overrides)? {
        builder = builder.add_source(File::from(file).format(FileFormat::Toml));
    }
    let settings = EnvironmentSource::with_prefix(PREFIX).prefix_separator("__").separator("__");
    builder = builder.add_source(settings.ignore_empty(true).source(Some(env)));
    builder = builder.set_override_option("server.host", overrides.host.clone())?;
    builder = builder.set_override_option("server.port", overrides.port)?;

    let mut config: Config = builder.build()?.try_deserialize().context("the configuration was refused")?;
    if let Some(url) = database_url {
        config.database.url = Some(SecretString::from(url));
    }
    if config.server.public_url.is_empty() {
        config.server.public_url = format!("http://{}:{}", config.server.host, config.server.port);
    }
    check(&config)?;
    Ok(config)
}

fn file_to_read(overrides: &Overrides) -> anyhow::Result<Option<PathBuf>> {
    match &overrides.file {
        Some(file) if !file.is_file() => bail!("there is no configuration file {}", file.display()),
        Some(file) => Ok(Some(file.clone())),
        None => Ok(Some(PathBuf::from(DEFAULT_FILE)).filter(|file| Path::is_file(file))),
    }
}

fn check(config: &Config) -> anyhow::Result<()> {
    let server = &config.server;
    ensure!(!server.host.is_empty(), "server.host must not be empty");
    ensure!(server.body_limit_bytes >= 1024, "server.body_limit_bytes must be at least 1024");
    ensure!(server.request_timeout_seconds >= 1, "server.request_timeout_seconds must be at least 1");
    ensure!(server.header_timeout_seconds >= 1, "server.header_timeout_seconds must be at least 1");
    ensure!(server.max_concurrent_requests >= 1, "server.max_concurrent_requests must be at least 1");
    let is_web = server.public_url.starts_with("http://") || server.public_url.starts_with("https://");
    ensure!(is_web, "server.public_url must begin with http:// or https://");
    let needs_https = config.environment == Environment::Production && !server.is_https();
    ensure!(!needs_https, "server.public_url must be https in production: session cookies would travel in the clear");
    if config.environment == Environment::Production
        && let Some(complaint) = crate::db::complaint(&config.database)
    {
        bail!(complaint);
    }
    ensure!(
        config.database.migration_url.is_none() || config.database.url.is_some(),
        "database.migration_url needs a database.url: the program's own PostgreSQL has one role only"
    );
    ensure!(config.database.max_connections >= 2, "database.max_connections must be at least 2");
    ensure!(config.database.acquire_timeout_ms >= 100, "database.acquire_timeout_ms must be at least 100");
    let auth = &config.auth;
    ensure!(auth.session_duration_hours >= 1, "auth.session_duration_hours must be at least 1");
    ensure!(
        auth.session_absolute_hours >= auth.session_duration_hours,
        "auth.session_absolute_hours must not be less than auth.session_duration_hours"
    );
    ensure!((1..=24 * 30).contains(&auth.verify_email_hours), "auth.verify_email_hours must be 1 to 720");
    ensure!((5..=60).contains(&auth.reset_password_minutes), "auth.reset_password_minutes must be 5 to 60");
    ensure!(auth.hash_niceness <= 19, "auth.hash_niceness must be 0 to 19");
    crate::auth::two_factor::check(auth)?;
    crate::mail::check(&config.mail)?;
    ensure!((1..=1440).contains(&auth.sudo_minutes), "auth.sudo_minutes must be 1 to 1440");
    ensure!(config.worker.concurrency >= 1, "worker.concurrency must be at least 1");
    ensure!(config.worker.poll_interval_ms >= 10, "worker.poll_interval_ms must be at least 10");
    ensure!((1..=3600).contains(&config.worker.lease_seconds), "worker.lease_seconds must be 1 to 3600");
    ensure!(config.tasks.history_days >= 1, "tasks.history_days must be at least 1");
    ensure!(config.tasks.stats_days >= 1, "tasks.stats_days must be at least 1");
    crate::notes::check(&config.notes)?;
    ensure!((1..=300).contains(&config.webhook.timeout_seconds), "webhook.timeout_seconds must be 1 to 300");
    config.webhook.secret.as_ref().map(crate::tasks::kinds::webhook::signature::key_of).transpose()?;
    ensure!((1..=365).contains(&config.reports.keep_days), "reports.keep_days must be 1 to 365");
    tracing_subscriber::EnvFilter::try_new(&config.log.filter).context("log.filter")?;
    if let Some(password) = &config.initial_admin_password {
        let checked = crate::auth::check_password(password.expose_secret(), "admin", "admin@example.com");
        checked.map_err(|message| anyhow::anyhow!("initial_admin_password {message}"))?;
    }
    Ok(())
}

/// The settings in force as TOML, secrets masked.
pub fn printed(config: &Config) -> anyhow::Result<String> {
    Ok(toml::to_string(config)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(env: &[(&str, &str)]) -> anyhow::Result<Config> {
        from(&Overrides::default(), env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
        let folder = std::env::temp_dir().join(format!("starter-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("settings.toml");
        std::fs::write(&file, "[server]\nport = 1000\n[worker]\nconcurrency = 3\n").unwrap();
        let env = HashMap::from([
            ("STARTER__SERVER__PORT".into(), "2000".into()),
            ("STARTER__WORKER__GRACE_SECONDS".into(), "4".into()),
        ]);
        let flags = Overrides { file: Some(file), port: Some(3333), ..Default::default() };

        let config = from(&Overrides { port: None, ..flags.clone() }, env.clone()).unwrap();
        assert_eq!((config.server.port, config.worker.concurrency, config.worker.grace_seconds), (2000, 3, 4));
        assert_eq!(from(&flags, env).unwrap().server.port, 3333);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_unknown_key_and_a_bad_value_are_refused_with_their_place() {
        let unknown = format!("{:#}", with(&[("STARTER__SERVER__PROT", "1")]).unwrap_err());
        assert!(unknown.contains("prot"), "{unknown}");
        let bad = format!("{:#}", with(&[("STARTER__SERVER__PORT", "many")]).unwrap_err());
        assert!(bad.contains("server.port"), "{bad}");
        let poor = format!("{:#}", with(&[("STARTER__WORKER__CONCURRENCY", "0")]).unwrap_err());
        assert!(poor.contains("worker.concurrency"), "{poor}");
    }

    #[test]
    fn trusted_proxies_are_a_list_in_the_file_and_in_the_environment() {
        let config = with(&[("STARTER__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.7")]).unwrap();
        let printed = printed(&config).unwrap();
        assert!(printed.contains(r#"trusted_proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.7/32"]"#), "{printed}");
        let read: Config = toml::from_str(&printed.replace("***", "")).unwrap();
        assert_eq!(read.server.trusted_proxies, config.server.trusted_proxies);
        let bad = format!("{:#}", with(&[("STARTER__SERVER__TRUSTED_PROXIES", "everybody")]).unwrap_err());
        assert!(bad.contains("server.trusted_proxies"), "{bad}");
    }

    #[test]
    fn production_needs_https() {
        assert!(with(&[("STARTER__ENVIRONMENT", "production")]).is_err());
        assert!(
            with(&[("STARTER__ENVIRONMENT", "production"), ("STARTER__SERVER__PUBLIC_URL", "https://example.com")])
                .is_ok()
        );
    }

    #[test]
    fn production_needs_checked_tls_to_a_database_elsewhere_unless_told_otherwise() {
        let production = |url: &str, more: &[(&str, &str)]| {
            let settings = [
                ("STARTER__ENVIRONMENT", "production"),
                ("STARTER__SERVER__PUBLIC_URL", "https://example.com"),
                ("DATABASE_URL", url),
            ];
            with(&[&settings, more].concat())
        };
        for mode in ["", "?sslmode=disable", "?sslmode=prefer", "?sslmode=require", "?sslmode=verify-ca"] {
            let url = format!("postgres://ada:canary-8@db.example/x{mode}");
            let refused = format!("{:#}", production(&url, &[]).unwrap_err());
            assert!(refused.contains("sslmode=verify-full") && !refused.contains("canary"), "{refused}");
            assert!(production(&url, &[("STARTER__DATABASE__REQUIRE_TLS", "false")]).is_ok(), "{mode}");
            assert!(with(&[("DATABASE_URL", &url)]).is_ok(), "development warns");
        }
        for near in ["localhost", "127.0.0.1", "127.9.8.7:5433", "[::1]", "%2Frun%2Fpostgresql"] {
            assert!(production(&format!("postgres://ada@{near}/x?sslmode=disable"), &[]).is_ok(), "{near}");
        }
        assert!(production("postgres://ada@localhost/x?host=/run/postgresql", &[]).is_ok());
        assert!(production("postgres://ada@db.example/x?sslmode=verify-full", &[]).is_ok());
        assert!(production("postgres://ada@localhost/x?host=db.example", &[]).is_err(), "the last host counts");
        let owner = ("STARTER__DATABASE__MIGRATION_URL", "postgres://owner@db.example/x?sslmode=require");
        assert!(production("postgres://ada@db.example/x?sslmode=verify-full", &[owner]).is_err(), "both roles");
    }

    #[test]
    fn settings_by_which_no_letter_could_be_sent_are_refused_without_their_secret() {
        let smtp = ("STARTER__MAIL__TRANSPORT", "smtp");
        let refused = |env: &[(&str, &str)]| format!("{:#}", with(env).unwrap_err());
        assert!(refused(&[smtp]).contains("mail.smtp_url must be set"));
        let odd = refused(&[smtp, ("STARTER__MAIL__SMTP_URL", "http://ada:canary-4@mail.example.com")]);
        assert!(odd.contains("mail.smtp_url must be such as") && !odd.contains("canary"), "{odd}");
        assert!(refused(&[("STARTER__MAIL__FROM", "nobody\r\nBcc: all")]).contains("mail.from"));
        assert!(with(&[smtp, ("STARTER__MAIL__SMTP_URL", "smtp://mail.example.com:587?tls=required")]).is_ok());
    }

    #[test]
    fn an_encryption_key_of_another_length_is_refused_without_its_text() {
        let with_key = |key: &str| with(&[("STARTER__AUTH__ENCRYPTION_KEY", key)]);
        for bad in ["canary-5", "Y2FuYXJ5LTUtaXMtdG9vLXNob3J0"] {
            let refused = format!("{:#}", with_key(bad).unwrap_err());
            assert!(refused.contains("auth.encryption_key must be") && !refused.contains(bad), "{refused}");
        }
        let good = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        assert!(with_key(good).is_ok());
        let with_former = |keys: &str| with(&[("STARTER__AUTH__FORMER_ENCRYPTION_KEYS", keys)]);
        let refused = format!("{:#}", with_former(&format!("{good}, canary-6")).unwrap_err());
        assert!(refused.contains("auth.former_encryption_keys must be") && !refused.contains("canary"), "{refused}");
        let printed = printed(&with_former(&format!("{good},{good}")).unwrap()).unwrap();
        assert!(printed.contains(r#"former_encryption_keys = ["***", "***"]"#), "{printed}");
    }

    #[test]
    fn secrets_are_masked_when_printed_and_in_debug_output() {
        let env = [
            ("DATABASE_URL", "postgres://ada:canary-1@db/x"),
            ("STARTER__DATABASE__MIGRATION_URL", "postgres://owner:canary-4@db/x"),
            ("STARTER__INITIAL_ADMIN_PASSWORD", "canary-2-long"),
            ("STARTER__MAIL__SMTP_URL", "smtps://ada:canary-3@mail.example.com"),
        ];
        let config = with(&env).unwrap();
        assert_eq!(config.database.url.as_ref().unwrap().expose_secret(), env[0].1);
        assert!(!format!("{}{config:?}", printed(&config).unwrap()).contains("canary"));
    }

    #[test]
    fn an_owner_of_the_schema_needs_a_role_beside_it() {
        let owner = ("STARTER__DATABASE__MIGRATION_URL", "postgres://owner@localhost/x");
        assert!(format!("{:#}", with(&[owner]).unwrap_err()).contains("database.migration_url needs a database.url"));
        assert!(with(&[owner, ("DATABASE_URL", "postgres://ada@localhost/x")]).is_ok());
    }
}
