//! People as rows: reading and writing accounts.

pub mod seed;

use model::auth::{AuthUser, Register};
use model::users::{Role, UserProfile};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{App, Result};

/// Writes a new account; a taken username or email comes back as that problem.
pub async fn insert(conn: &mut PgConnection, new: &Register, password_hash: &str, role: Role) -> Result<UserProfile> {
    let user = sqlx::query_as!(
        UserProfile,
        r#"
        insert into users (id, username, email, password_hash, role)
        values ($1, $2, $3, $4, $5)
        returning id, username, email, role as "role: Role", is_active, email_verified, created_at, last_login_at
        "#,
        Uuid::now_v7(),
        new.username,
        new.email,
        password_hash,
        role as Role,
    )
    .fetch_one(conn)
    .await?;
    Ok(user)
}

/// Whether there is at least one active administrator.
pub async fn an_admin_exists(conn: &mut PgConnection) -> Result<bool> {
    let found =
        sqlx::query_scalar!(r#"select exists (select 1 from users where role = 'admin' and is_active) as "found!""#)
            .fetch_one(conn)
            .await?;
    Ok(found)
}

/// The active user of this username or email, in any case, with the stored password hash.
pub async fn by_login(app: &App, name: &str) -> Result<Option<(AuthUser, String)>> {
    let row = sqlx::query!(
        r#"
        select id, username, email, role as "role: Role", password_hash
        from users
        where is_active and (lower(username) = lower($1) or lower(email) = lower($1))
        limit 1
        "#,
        name,
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(row.map(|row| {
        (AuthUser { id: row.id, username: row.username, email: row.email, role: row.role }, row.password_hash)
    }))
}

/// The stored password hash of an active user.
pub async fn password_hash(app: &App, id: Uuid) -> Result<Option<String>> {
    let hash = sqlx::query_scalar!("select password_hash from users where id = $1 and is_active", id)
        .fetch_optional(&app.db)
        .await?;
    Ok(hash)
}

/// Replaces the stored password hash.
pub async fn set_password_hash(app: &App, id: Uuid, hash: &str) -> Result<()> {
    sqlx::query!("update users set password_hash = $2, updated_at = now() where id = $1", id, hash)
        .execute(&app.db)
        .await?;
    Ok(())
}

/// Notes that the user has logged in now.
pub async fn note_login(app: &App, id: Uuid) -> Result<()> {
    sqlx::query!("update users set last_login_at = now() where id = $1", id).execute(&app.db).await?;
    Ok(())
}
