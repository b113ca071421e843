//! The first accounts: the initial administrator, and logins for development.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::auth::Register;
use model::users::Role;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{an_admin_exists, insert};
use crate::{App, Error, Result, auth};

/// A login that development can use; the password is random, made once, and kept in a file that only the owner reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeededLogin {
    pub username: String,
    pub password: String,
}

/// Creates `admin` with the configured password when there is no administrator yet; there is no default password.
pub async fn initial_admin(app: &App) -> Result<()> {
    let Some(password) = &app.config.initial_admin_password else { return Ok(()) };
    if an_admin_exists(&mut *app.db.acquire().await?).await? {
        return Ok(());
    }
    let new = Register {
        username: "admin".into(),
        email: "admin@example.com".into(),
        password: password.expose_secret().into(),
    };
    new.check(auth::check_password)?;
    create(app, &new, Role::Admin).await?;
    tracing::info!("created the initial administrator `admin`");
    Ok(())
}

/// Creates one account a role, named after it, unless it exists; answers with the logins kept in `file`.
pub async fn development_logins(app: &App, file: &Path) -> Result<Vec<SeededLogin>> {
    let logins = match read(file) {
        Some(logins) => logins,
        None => write_new(file)?,
    };
    for (login, role) in logins.iter().zip(Role::ALL) {
        let email = format!("{}@example.com", login.username);
        let new = Register { username: login.username.clone(), email, password: login.password.clone() };
        match create(app, &new, role).await {
            Ok(()) | Err(Error::Problem(model::Problem::Taken { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(logins)
}

async fn create(app: &App, new: &Register, role: Role) -> Result<()> {
    let hash = app.hasher.admit()?.hash(new.password.clone()).await?;
    insert(&mut *app.db.acquire().await?, Uuid::now_v7(), new, &hash, role).await?;
    Ok(())
}

fn read(file: &Path) -> Option<Vec<SeededLogin>> {
    let text = fs::read_to_string(file).ok()?;
    let logins: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(username, password)| SeededLogin { username: username.into(), password: password.into() })
        .collect();
    (logins.len() == Role::ALL.len()).then_some(logins)
}

fn write_new(file: &Path) -> anyhow::Result<Vec<SeededLogin>> {
    let fresh = |role: Role| SeededLogin {
        username: role.name().into(),
        password: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>()),
    };
    let logins = Role::ALL.map(fresh);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
    }
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    for login in &logins {
        writeln!(out, "{} {}", login.username, login.password)?;
    }
    Ok(logins.into())
}
