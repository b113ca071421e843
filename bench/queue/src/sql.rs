//! Statements for the driver, which has no client of its own.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, ValueRef};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::tally::say;

/// Answers each line with the first value of the last row, empty where there is none, or with `error:` and why.
pub async fn run(url: &str) -> anyhow::Result<()> {
    let mut conn = PgConnection::connect(url).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(statement) = lines.next_line().await? {
        match sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(&mut conn).await {
            Ok(rows) => {
                let value = rows.last().map(|row| row.try_get_raw(0)).transpose()?;
                let text = value.filter(|value| !value.is_null()).map(|value| value.as_str().unwrap_or("").to_owned());
                say(&text.unwrap_or_default().replace('\n', " "));
            }
            Err(error) => say(&format!("error: {}", error.to_string().replace('\n', " "))),
        }
    }
    Ok(())
}
