//! `starter admin`: people and tasks from the server's command line. Whoever may run it may do everything; the audit log names it.

use std::io::BufRead;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use model::PageRequest;
use model::rbac;
use model::tasks::{TaskFilter, TaskStatus};
use model::users::Role;
use model::users::manage::{NewUser, SetRole, UserFilter, UserStatus};
use server::auth::two_factor::{self, Secrets};
use server::db::{self, Patience};
use server::{Actor, App, Config, tasks, users};

/// What to do.
#[derive(Subcommand)]
pub enum Admin {
    /// Make an account of role admin; its password is read from standard input, one line
    #[command(name = "create-admin")]
    Create { username: String, email: String },
    /// Give somebody another role
    SetRole {
        /// Username or email
        user: String,
        role: RoleName,
        /// Goes into the audit log
        #[arg(long)]
        reason: Option<String>,
    },
    /// Print a link by which somebody chooses a new password; it works once
    ResetPassword {
        /// Username or email
        user: String,
    },
    /// Log somebody out everywhere
    EndSessions {
        /// Username or email
        user: String,
    },
    /// Take the second factor of somebody away who has lost it
    ResetTwoFactor {
        /// Username or email
        user: String,
    },
    /// Encrypt the secrets of second factors with auth.encryption_key that are under one of auth.former_encryption_keys
    RotateEncryptionKey,
    /// List users, the newest first
    ListUsers(ListUsers),
    /// Print the permission table as Markdown
    Permissions,
    /// List tasks, the newest first
    ListTasks(ListTasks),
    /// Count tasks by state
    TaskStats,
    /// Drop the history of tasks that have succeeded or were cancelled; the dead letter stays
    ClearCompleted {
        /// Whole days (UTC) that are kept
        #[arg(long, default_value_t = 7)]
        older_than_days: u32,
        /// Count only
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which users.
#[derive(Args)]
pub struct ListUsers {
    /// A part of the username or email
    #[arg(long)]
    search: Option<String>,
    #[arg(long)]
    role: Option<RoleName>,
    #[arg(long)]
    status: Option<StatusName>,
    /// At most 100
    #[arg(long, default_value_t = 50)]
    limit: i64,
}

/// Which tasks.
#[derive(Args)]
pub struct ListTasks {
    /// pending, running, completed, failed, cancelled or retrying
    #[arg(long)]
    status: Option<String>,
    #[arg(long)]
    task_type: Option<String>,
    /// At most 100
    #[arg(long, default_value_t = 20)]
    limit: i64,
    /// Payload, result and last error as well
    #[arg(long)]
    verbose: bool,
}

/// A role by its name.
#[derive(Clone, Copy, ValueEnum)]
pub enum RoleName {
    User,
    Moderator,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::User => Self::User,
            RoleName::Moderator => Self::Moderator,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// Where an account stands, by its name.
#[derive(Clone, Copy, ValueEnum)]
pub enum StatusName {
    Active,
    Inactive,
    Deleted,
}

impl From<StatusName> for UserStatus {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Active => Self::Active,
            StatusName::Inactive => Self::Inactive,
            StatusName::Deleted => Self::Deleted,
        }
    }
}

/// Does it on the configured database.
///
/// # Errors
/// When it is refused, or the database is away.
pub async fn run(config: Config, admin: Admin) -> anyhow::Result<()> {
    if let Admin::Permissions = admin {
        print!("{}", rbac::as_markdown());
        return Ok(());
    }
    let database = db::open(&config, Patience::Worker).await?;
    let app = App::new(database.pool.clone(), config);
    let done = act(&app, admin).await;
    database.close().await;
    done
}

async fn act(app: &App, admin: Admin) -> anyhow::Result<()> {
    app.prepare().await.map_err(server::Error::into_fault)?;
    let said = match admin {
        Admin::Create { username, email } => create_admin(app, username, email).await?,
        Admin::SetRole { user, role, reason } => set_role(app, &user, role.into(), reason).await,
        Admin::ResetPassword { user } => reset_password(app, &user).await,
        Admin::EndSessions { user } => end_sessions(app, &user).await,
        Admin::ResetTwoFactor { user } => reset_two_factor(app, &user).await,
        Admin::RotateEncryptionKey => rotate_encryption_key(app).await?,
        Admin::ListUsers(wanted) => list_users(app, wanted).await,
        Admin::ListTasks(wanted) => list_tasks(app, wanted).await?,
        Admin::TaskStats => task_stats(app).await,
        Admin::ClearCompleted { older_than_days, dry_run } => clear_completed(app, older_than_days, dry_run).await,
        Admin::Permissions => Ok(String::new()),
    };
    println!("{}", said.map_err(server::Error::into_fault)?);
    Ok(())
}

async fn create_admin(app: &App, username: String, email: String) -> anyhow::Result<server::Result<String>> {
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password).context("the password could not be read from standard input")?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    ensure!(!password.is_empty(), "give the password on standard input, one line");
    let new = NewUser { username, email, password, role: Some(Role::Admin) };
    let created = users::create(app, &Actor::command_line(), new).await;
    Ok(created.map(|user| format!("created the administrator {} ({})", user.username, user.id)))
}

async fn set_role(app: &App, user: &str, role: Role, reason: Option<String>) -> server::Result<String> {
    let actor = Actor::command_line();
    let id = users::by_name(app, &actor, user).await?;
    let user = users::set_role(app, &actor, id, SetRole { role, reason }).await?;
    Ok(format!("{} is {} now", user.username, user.role.name()))
}

async fn reset_password(app: &App, user: &str) -> server::Result<String> {
    let actor = Actor::command_line();
    let id = users::by_name(app, &actor, user).await?;
    let made = users::reset_link(app, &actor, id).await?;
    Ok(format!("This link sets a new password, once and within {} minutes:\n{}", made.minutes, made.link))
}

async fn clear_completed(app: &App, days: u32, dry_run: bool) -> server::Result<String> {
    let cleared = tasks::operate::clear_history(app, &Actor::command_line(), days, dry_run).await?;
    let verb = if cleared.dry_run { "would drop" } else { "dropped" };
    Ok(format!("{verb} {} task(s) of the history", cleared.tasks))
}

async fn end_sessions(app: &App, user: &str) -> server::Result<String> {
    let actor = Actor::command_line();
    let id = users::by_name(app, &actor, user).await?;
    let ended = users::end_sessions(app, &actor, id).await?;
    Ok(format!("ended {ended} session(s)"))
}

async fn reset_two_factor(app: &App, user: &str) -> server::Result<String> {
    let actor = Actor::command_line();
    let id = users::by_name(app, &actor, user).await?;
    let user = users::reset_two_factor(app, &actor, id).await?;
    Ok(format!("{} logs in by the password only now", user.username))
}

async fn rotate_encryption_key(app: &App) -> anyhow::Result<server::Result<String>> {
    let found = match two_factor::rotate_encryption_key(app, &Actor::command_line()).await {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let Secrets { former, current, lost } = found;
    let said = format!("encrypted {former} secret(s) anew; {current} had today's key already");
    ensure!(
        lost == 0,
        "{said}; {lost} open with no key that is configured. Add theirs to auth.former_encryption_keys and run this again; \
        otherwise their owners log in by a recovery code and set two-factor up anew"
    );
    Ok(Ok(format!("{said}. No secret needs auth.former_encryption_keys any more")))
}

async fn list_users(app: &App, wanted: ListUsers) -> server::Result<String> {
    let filter = UserFilter {
        search: wanted.search,
        role: wanted.role.map(Role::from),
        status: wanted.status.map(UserStatus::from),
        sort: None,
    };
    let page = PageRequest { limit: Some(wanted.limit), ..PageRequest::default() };
    let page = users::list(app, &Actor::command_line(), &filter, page).await?;
    let mut lines: Vec<_> = page
        .items
        .iter()
        .map(|user| {
            format!(
                "{}  {:9}  {:8}  {}  {}",
                user.id,
                user.role.name(),
                user.status().name(),
                user.username,
                user.email
            )
        })
        .collect();
    lines.push(format!("{} of {}", page.items.len(), page.total));
    Ok(lines.join("\n"))
}

async fn list_tasks(app: &App, wanted: ListTasks) -> anyhow::Result<server::Result<String>> {
    let status = match wanted.status {
        None => None,
        Some(name) => {
            let known = TaskStatus::ALL.into_iter().find(|status| status.name() == name);
            Some(known.with_context(|| format!("there is no state `{name}`"))?)
        }
    };
    let filter = TaskFilter { task_type: wanted.task_type, status, ..TaskFilter::default() };
    let page = PageRequest { limit: Some(wanted.limit), ..PageRequest::default() };
    let listed = tasks::list(app, &Actor::command_line(), &filter, page).await;
    Ok(listed.map(|page| {
        let mut lines = Vec::new();
        for task in &page.items {
            let attempts = format!("{}/{}", task.current_attempt, task.max_attempts);
            lines.push(format!("{}  {:9}  {:5}  {}", task.id, task.status.name(), attempts, task.task_type));
            if wanted.verbose {
                lines.push(format!("  payload: {}", task.payload));
                lines.extend(task.result.iter().map(|result| format!("  result: {result}")));
                lines.extend(task.last_error.iter().map(|error| format!("  last error: {error}")));
            }
        }
        lines.push(format!("{} of {}", page.items.len(), page.total));
        lines.join("\n")
    }))
}

async fn task_stats(app: &App) -> server::Result<String> {
    let stats = tasks::stats(app, &Actor::command_line()).await?;
    let counts = [
        ("pending", stats.pending),
        ("running", stats.running),
        ("completed", stats.completed),
        ("failed", stats.failed),
        ("cancelled", stats.cancelled),
        ("retrying", stats.retrying),
    ];
    let lines: Vec<_> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
    Ok(format!("Task Statistics\n{}\nTotal: {}", lines.join("\n"), stats.total))
}
