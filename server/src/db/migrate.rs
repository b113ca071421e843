//! The migrations, and what the role may do that the program comes as.

use anyhow::{Context, ensure};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::config::DatabaseConfig;

/// The migrations of `migrations/`, inside the binary.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// What to do about a role that lacks something.
const NOT_THE_OWNER: &str =
    "this role may not change the schema: run `starter migrate` with the owner's address in database.migration_url";

/// Brings the schema up to date, as the role of `database.migration_url` where there is one; then the role of the pool gets the rows of the
/// tables. The answer is how many migrations were pending. Several programs may do so at once, one of them works and the others wait.
///
/// # Errors
/// When something is pending and the role of the pool may not make tables.
pub async fn migrate(pool: &PgPool, config: &DatabaseConfig) -> anyhow::Result<usize> {
    if let Some(url) = &config.migration_url {
        return migrate_as_owner(pool, url).await;
    }
    let is_owner = is_owner(pool).await?;
    let read = pending_migrations(pool).await;
    let pending = read.context(if is_owner { "the migrations can not be read" } else { NOT_THE_OWNER })?;
    if is_owner {
        apply(pool).await?;
    } else {
        ensure!(pending == 0, "{pending} migration(s) are pending, and {NOT_THE_OWNER}");
    }
    Ok(pending)
}

async fn migrate_as_owner(pool: &PgPool, url: &SecretString) -> anyhow::Result<usize> {
    let options: PgConnectOptions =
        url.expose_secret().parse().context("database.migration_url is not a PostgreSQL address")?;
    let options = options.application_name("starter");
    let owner =
        PgPoolOptions::new().max_connections(1).connect_with(options).await.context("database.migration_url")?;
    let pending = pending_migrations(&owner).await?;
    apply(&owner).await?;
    let role = sqlx::query_scalar!(r#"select current_user::text as "role!""#).fetch_one(pool).await?;
    sqlx::query!("select let_use_rows($1::text::name)", role).execute(&owner).await?;
    owner.close().await;
    Ok(pending)
}

async fn apply(pool: &PgPool) -> anyhow::Result<()> {
    MIGRATOR.run(pool).await.context("the migrations could not be applied")
}

/// Whether the role of the pool may change the schema.
///
/// # Errors
/// When the database is away.
pub async fn is_owner(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(has_schema_privilege(current_schema(), 'create'), false) as "may!""#)
        .fetch_one(pool)
        .await
}

/// How many migrations of this binary are not applied yet.
pub async fn pending_migrations(pool: &PgPool) -> Result<usize, sqlx::Error> {
    let has_table = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "found!""#)
        .fetch_one(pool)
        .await?;
    if !has_table {
        return Ok(MIGRATOR.iter().count());
    }
    // The table is sqlx's own and not part of our migrations, so the check at compile time does not know it.
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(pool).await?;
    Ok(MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version)).count())
}
