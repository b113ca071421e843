//! `passkeys` and `passkey_ceremonies`.

use model::passkeys::Passkey as Shown;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;
use webauthn_rs::prelude::Passkey;

use crate::{App, Result};

/// Minutes that a browser has to answer; its user may have to find a device.
const CEREMONY_MINUTES: i32 = 5;

/// Begins a ceremony: for a new passkey of this user and name, or for a login by nobody yet.
pub async fn begin(app: &App, of: Option<(Uuid, &str)>, state: Value) -> Result<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query!(
        r#"
        insert into passkey_ceremonies (id, user_id, name, state, expires_at)
        values ($1, $2, $3, $4, now() + make_interval(mins => $5))
        "#,
        id,
        of.map(|(user_id, _)| user_id),
        of.map(|(_, name)| name),
        state,
        CEREMONY_MINUTES,
    )
    .execute(&app.db)
    .await?;
    Ok(id)
}

/// Ends a ceremony: name and state, once.
pub async fn end(app: &App, id: Uuid, user_id: Option<Uuid>) -> Result<Option<(Option<String>, Value)>> {
    let ended = sqlx::query!(
        r#"
        delete from passkey_ceremonies
        where id = $1 and user_id is not distinct from $2 and expires_at > now()
        returning name, state
        "#,
        id,
        user_id,
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(ended.map(|row| (row.name, row.state)))
}

pub async fn credentials_of(app: &App, user_id: Uuid) -> Result<Vec<Passkey>> {
    let found = sqlx::query_scalar!(
        r#"select credential as "credential: Json<Passkey>" from passkeys where user_id = $1"#,
        user_id,
    )
    .fetch_all(&app.db)
    .await?;
    Ok(found.into_iter().map(|Json(passkey)| passkey).collect())
}

pub async fn insert(conn: &mut PgConnection, user_id: Uuid, name: &str, passkey: &Passkey) -> Result<Shown> {
    let saved = sqlx::query_as!(
        Shown,
        r#"
        insert into passkeys (id, user_id, name, credential_id, credential) values ($1, $2, $3, $4, $5)
        returning id, name, created_at, last_used_at
        "#,
        Uuid::now_v7(),
        user_id,
        name,
        passkey.cred_id().as_slice(),
        Json(passkey) as _,
    )
    .fetch_one(conn)
    .await?;
    Ok(saved)
}

pub async fn list(app: &App, user_id: Uuid) -> Result<Vec<Shown>> {
    let found = sqlx::query_as!(
        Shown,
        "select id, name, created_at, last_used_at from passkeys where user_id = $1 order by id desc limit 100",
        user_id,
    )
    .fetch_all(&app.db)
    .await?;
    Ok(found)
}

/// Removes one; no when it is not there or somebody else's.
pub async fn delete(conn: &mut PgConnection, user_id: Uuid, id: Uuid) -> Result<bool> {
    let done = sqlx::query!("delete from passkeys where id = $1 and user_id = $2", id, user_id).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// The passkey of somebody who may log in.
pub async fn find(app: &App, user_id: Uuid, credential_id: &[u8]) -> Result<Option<Passkey>> {
    let found = sqlx::query_scalar!(
        r#"
        select credential as "credential: Json<Passkey>"
        from passkeys
        join users on users.id = passkeys.user_id
        where user_id = $1 and credential_id = $2 and users.is_active
        "#,
        user_id,
        credential_id,
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(found.map(|Json(passkey)| passkey))
}

pub async fn note_use(app: &App, credential_id: &[u8], passkey: &Passkey) -> Result<()> {
    sqlx::query!(
        "update passkeys set credential = $2, last_used_at = now() where credential_id = $1",
        credential_id,
        Json(passkey) as _,
    )
    .execute(&app.db)
    .await?;
    Ok(())
}
