//! The ceiling of our engine: its own claim and settlement, back to back, with no engine around. The texts come from the engine: it runs
//! each once on a connection, and PostgreSQL tells what was prepared there.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use model::tasks::Priority;
use serde_json::Value;
use server::tasks::queue::{self, Claimed, Lane, Member, Outcome, Purpose, Settlement};
use sqlx::PgConnection;

use crate::ours;
use crate::settings::Settings;
use crate::tally::say;

const TASK_TYPE: &str = "noop";
/// Longer than any run, because nobody renews it.
const LEASE: Duration = Duration::from_secs(24 * 3600);

/// Statement and types of its parameters, as PostgreSQL has them.
struct Prepared {
    statement: String,
    types: Vec<String>,
}

pub async fn prepare(url: &str, script: &Path, clients: usize, batch: i32) -> anyhow::Result<()> {
    let app = ours::open(url, &Settings::default()).await?;
    let member = Member { host: "roofline".into(), task_types: vec![TASK_TYPE.into()], concurrency: batch };
    let first = queue::join(&app.db, &member, LEASE).await?;
    for _ in 1..clients {
        queue::join(&app.db, &member, LEASE).await?;
    }
    let task_type: i32 =
        sqlx::query_scalar("select id from task_types where name = $1").bind(TASK_TYPE).fetch_one(&app.db).await?;

    let mut conn = app.db.acquire().await?;
    let lane = Lane { task_type_id: task_type, priority: Priority::default() as i16, after_seq: 0, quota: batch };
    // Nobody is worker 0, and no task has the nil id: neither touches a row.
    queue::claim(&mut *conn, 0, &[lane], batch.into(), Purpose::Places).await?;
    let claim = prepared(&mut conn, "%from unnest(%as lane %skip locked%").await?;
    queue::settle(&mut conn, 0, &[nothing(task_type)]).await?;
    let settle = prepared(&mut conn, "%with ended as (%task_history%").await?;

    std::fs::write(script, text(&claim, &settle, &lane, batch)?).context("the script could not be written")?;
    say(&first.to_string());
    Ok(())
}

async fn prepared(conn: &mut PgConnection, like: &str) -> anyhow::Result<Prepared> {
    let query = "select statement, parameter_types::text[] from pg_prepared_statements where statement like $1";
    let found: Vec<(String, Vec<String>)> = sqlx::query_as(query).bind(like).fetch_all(conn).await?;
    ensure!(found.len() == 1, "{} prepared statements are like {like}", found.len());
    let (statement, types) = found.into_iter().next().context("just counted")?;
    Ok(Prepared { statement, types })
}

fn nothing(task_type_id: i32) -> Settlement {
    let claimed = Claimed { task_type_id, attempt: 1, max_attempts: 1, ..Claimed::default() };
    Settlement { claimed: claimed.into(), outcome: Outcome::Completed(Value::Null), ran: Duration::ZERO, trace: None }
}

/// A claim whose rows become the arrays that the settlement takes, and the settlement.
fn text(claim: &Prepared, settle: &Prepared, lane: &Lane, batch: i32) -> anyhow::Result<String> {
    let (of, priority) = (format!("'{{{}}}'", lane.task_type_id), format!("'{{{}}}'", lane.priority));
    let (quota, limit) = (format!("'{{{batch}}}'"), batch.to_string());
    let claim = filled_in(claim, &[":worker", &of, &priority, "array[:after]", &quota, &limit, "false", "false"])?;
    let (before, rows) = claim.rsplit_once("select id as").context("the claim ends in another way than it did")?;
    let settle_with = ["worker", "ids", "epochs", "codes", "reasons", "results", "errors", "delays", "ran", "waited"]
        .map(|name| format!(":{name}"));
    let settle = filled_in(settle, &settle_with.each_ref().map(String::as_str))?;
    // The settlement wants the ids in their order.
    let array = |of: &str| format!("coalesce(array_agg({of} order by \"id!\"), '{{}}')");
    let arrays = [
        ("ids", r#""id!""#),
        ("epochs", r#""lease_epoch!""#),
        ("codes", "0"),
        ("reasons", "null::text"),
        ("results", "'null'::jsonb"),
        ("errors", "null::text"),
        ("delays", "0"),
        ("ran", "0"),
        ("waited", r#""waited_ms!""#),
    ];
    let arrays: Vec<_> = arrays.iter().map(|(name, of)| format!("{} as {name}", array(of))).collect();
    let arrays = arrays.join(", ");
    Ok(format!(
        "\\set worker :first_worker + :client_id\n{before}select coalesce(max(\"seq!\"), 0) as after, {arrays}\nfrom (select id as{rows}) as claimed_rows \\gset\n{settle};\n"
    ))
}

/// Each parameter replaced, and cast to the type that PostgreSQL had found for it: pgbench sends everything as text.
fn filled_in(prepared: &Prepared, values: &[&str]) -> anyhow::Result<String> {
    ensure!(prepared.types.len() == values.len(), "the statement has {} parameters", prepared.types.len());
    let without_comments: Vec<_> =
        prepared.statement.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let mut text = without_comments.join("\n");
    // From the last, because $1 is the beginning of $10.
    for (place, (value, of)) in values.iter().zip(&prepared.types).enumerate().rev() {
        text = text.replace(&format!("${}", place + 1), &format!("{value}::{of}"));
    }
    Ok(text.trim().to_owned())
}
