//! `starter migrate`: brings the schema up to date.

use server::Config;
use server::db::{self, Patience};

/// Applies what is pending.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let database = db::open(&config, Patience::Worker).await?;
    let pending = db::migrate(&database.pool, &config.database).await?;
    println!("{pending} migration(s) applied; the schema is up to date");
    database.close().await;
    Ok(())
}
