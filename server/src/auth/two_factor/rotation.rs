//! Another encryption key: every secret that is under a former one is encrypted anew.

use model::rbac::{Action, Relation};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::seal::{self, Standing};
use crate::audit::{self, Subject};
use crate::rbac::Permit;
use crate::{Actor, App, Result, db};

/// Secrets that one transaction encrypts: few, because a login with a code waits for it, for two seconds at most.
const BATCH: i64 = 100;

/// How many secrets are under which key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Under `auth.encryption_key`.
    pub current: u64,
    /// Under one of `auth.former_encryption_keys`.
    pub former: u64,
    /// Under no key that is configured.
    pub lost: u64,
}

struct Row {
    user_id: Uuid,
    secret: Vec<u8>,
}

/// Encrypts every secret that is under a former key with today's. May run while the program serves, and again after it was interrupted; the
/// answer says where each secret stood before.
///
/// # Errors
/// A conflict when there is no key.
pub async fn rotate_encryption_key(app: &App, actor: &Actor) -> Result<Secrets> {
    let permit = actor.require(Action::RotateEncryptionKey, Relation::Other)?;
    let (mut found, mut after) = (Secrets::default(), Uuid::nil());
    loop {
        let mut tx = db::begin_short(&app.db).await?;
        let rows = lock_after(&mut tx, after).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.user_id;
        renew(app, &mut tx, actor, permit, &rows, &mut found).await?;
        tx.commit().await?;
    }
}

/// Counts only.
pub async fn secrets(app: &App) -> Result<Secrets> {
    let (mut found, mut after) = (Secrets::default(), Uuid::nil());
    loop {
        let rows = read_after(&app.db, after).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.user_id;
        for row in &rows {
            found.count(&seal::standing(app, row.user_id, &row.secret)?);
        }
    }
}

impl Secrets {
    fn count(&mut self, standing: &Standing) {
        match standing {
            Standing::Current(_) => self.current += 1,
            Standing::Former(_) => self.former += 1,
            Standing::Lost => self.lost += 1,
        }
    }
}

async fn renew(
    app: &App,
    conn: &mut PgConnection,
    actor: &Actor,
    permit: Permit,
    rows: &[Row],
    found: &mut Secrets,
) -> Result<()> {
    let (mut ids, mut renewed) = (Vec::new(), Vec::new());
    for row in rows {
        let standing = seal::standing(app, row.user_id, &row.secret)?;
        found.count(&standing);
        if let Standing::Former(secret) = standing {
            ids.push(row.user_id);
            renewed.push(seal::seal(app, row.user_id, &secret)?);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    replace(conn, &ids, &renewed).await?;
    let (subject, details) = (Subject::Setting("auth.encryption_key"), json!({"secrets": ids.len()}));
    audit::record(conn, actor, permit, "two_factor.rotate_key", subject, details).await
}

async fn read_after(db: impl PgExecutor<'_>, after: Uuid) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        "select user_id, secret from two_factor where user_id > $1 order by user_id limit $2",
        after,
        BATCH,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Nobody can replace a secret between this and its new form.
async fn lock_after(conn: &mut PgConnection, after: Uuid) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        "select user_id, secret from two_factor where user_id > $1 order by user_id limit $2 for update",
        after,
        BATCH,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

async fn replace(conn: &mut PgConnection, ids: &[Uuid], secrets: &[Vec<u8>]) -> Result<()> {
    sqlx::query!(
        r#"
        update two_factor
        set secret = given.secret
        from unnest($1::uuid[], $2::bytea[]) as given (user_id, secret)
        where two_factor.user_id = given.user_id
        "#,
        ids,
        secrets,
    )
    .execute(conn)
    .await?;
    Ok(())
}
