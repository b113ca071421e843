//! `starter doctor`: checks everything that the program needs, and says what to do where it fails.

use std::process::ExitCode;
use std::time::Duration;

use server::auth::two_factor::{self, Secrets};
use server::db::{self, Database, Patience};
use server::mail::Mailer;
use server::{App, Config};
use starter::web::Site;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Free space that the disk should have, in bytes.
const DISK_WANTED: u64 = 1024 * 1024 * 1024;
/// Seconds that the clocks of this machine and of PostgreSQL may lie apart.
const CLOCKS_APART: f64 = 5.0;

/// What was found, or what is wrong and what to do about it.
type Finding = Result<String, String>;

/// Runs every check, prints a line for each, and fails when one of them did.
pub async fn run(config: anyhow::Result<Config>) -> anyhow::Result<ExitCode> {
    let mut report = Report { failed: 0 };
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            report.tell("configuration", Err(format!("{error:#}. Correct it in starter.toml or in the environment")));
            return Ok(ExitCode::FAILURE);
        }
    };
    report.tell("configuration", Ok("every setting is known and fits".into()));
    report.tell("port", port(&config).await);
    report.tell("disk", disk(&config));
    report.tell("mail", mail(&config));
    report.tell(
        "two-factor",
        two_factor::complaint(&config).map_or_else(|| Ok("secrets are encrypted".into()), |words| Err(words.into())),
    );
    report.tell("assets", assets(&config));
    let safe = "nobody on the way to the database can read what travels, or the network is said to be safe";
    report
        .tell("transport", db::complaint(&config.database).map_or_else(|| Ok(safe.into()), |words| Err(words.into())));
    match db::open(&config, Patience::Worker).await {
        Err(error) => report.tell("postgresql", Err(format!("{error:#}"))),
        Ok(database) => {
            look_at_database(&mut report, &config, &database).await;
            database.close().await;
        }
    }
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Report {
    failed: usize,
}

impl Report {
    fn tell(&mut self, name: &str, finding: Finding) {
        let (mark, words) = match finding {
            Ok(words) => ("ok  ", words),
            Err(words) => {
                self.failed += 1;
                ("FAIL", words)
            }
        };
        println!("{mark} {name:<14} {words}");
    }
}

async fn look_at_database(report: &mut Report, config: &Config, database: &Database) {
    let app = App::new(database.pool.clone(), config.clone());
    let answered = tokio::time::timeout(PATIENCE, db::version_and_clock(&app.db)).await;
    let (version, clock) = match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            return report
                .tell("postgresql", Err(format!("{error}. Check DATABASE_URL, and that PostgreSQL is running")));
        }
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            return report
                .tell("postgresql", Err(format!("no answer within {seconds} s. Check DATABASE_URL and the network")));
        }
    };
    report.tell(
        "postgresql",
        if version >= 140_000 {
            Ok(format!("version {} answers", version / 10_000))
        } else {
            Err(format!("version {} is too old. Use PostgreSQL 14 or newer", version / 10_000))
        },
    );
    report.tell(
        "clock",
        if clock.abs() <= CLOCKS_APART {
            Ok(format!("{clock:.1} s apart from the database"))
        } else {
            Err(format!("{clock:.1} s apart from the database. Set both by NTP"))
        },
    );
    let pending = db::pending_migrations(&app.db).await;
    let is_up_to_date = matches!(pending, Ok(0));
    report.tell(
        "migrations",
        match pending {
            Ok(0) => Ok("the schema is up to date".into()),
            Ok(pending) => {
                Err(format!("{pending} pending. Run `starter migrate`, or start the server, which applies them"))
            }
            Err(error) => Err(format!("they cannot be read: {error}")),
        },
    );
    if let Ok(is_owner) = db::is_owner(&app.db).await {
        let words = if is_owner {
            "may change the schema; see database.migration_url"
        } else {
            "has the rows of the tables and nothing else"
        };
        report.tell("role", Ok(words.into()));
    }
    if is_up_to_date {
        report.tell("secrets", secrets(&app).await);
    }
}

async fn secrets(app: &App) -> Finding {
    let found = two_factor::secrets(app).await.map_err(|error| format!("{:#}", error.into_fault()))?;
    let Secrets { current, former, lost } = found;
    let words =
        format!("of second factors {current} have today's key, {former} a former one, {lost} none that is configured");
    match (former, lost) {
        (0, 0) => Ok(words),
        (_, 0) => Err(format!("{words}. Run `starter admin rotate-encryption-key`")),
        _ => Err(format!("{words}. Add the key of before to auth.former_encryption_keys")),
    }
}

async fn port(config: &Config) -> Finding {
    let (host, port) = (config.server.host.as_str(), config.server.port);
    match tokio::net::TcpListener::bind((host, port)).await {
        Ok(_) => Ok(format!("{host}:{port} is free")),
        Err(error) => Err(format!(
            "{host}:{port}: {error}. If this is not a running starter, stop the other program or choose another port with --port"
        )),
    }
}

fn disk(config: &Config) -> Finding {
    let (folder, free) = server::health::free_space(config);
    let free = free.map_err(|error| format!("{}: {error}", folder.display()))?;
    let words = format!("{} MiB free in {}", free / 1024 / 1024, folder.display());
    if free >= DISK_WANTED { Ok(words) } else { Err(format!("{words}. Make room: 1 GiB is wanted")) }
}

fn mail(config: &Config) -> Finding {
    let mailer = Mailer::new(config.clone().into());
    match mailer.complaint() {
        Some(complaint) => Err(complaint.into()),
        None if mailer.has_open_mailbox() => Ok(format!("letters lie in {}", config.mail.folder.display())),
        None => Ok("letters go to the mail server of mail.smtp_url".into()),
    }
}

fn assets(config: &Config) -> Finding {
    if Site::of(&config.server.site_root).is_built() {
        return Ok("the client is built".into());
    }
    Err("the client is not built, so pages work without JavaScript only. Run `cargo xtask build`".into())
}
