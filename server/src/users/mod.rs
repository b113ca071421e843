//! People as rows: reading and writing accounts.

pub mod seed;

use model::auth::Register;
use model::users::{Role, UserProfile};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

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
    let found = sqlx::query_scalar!(r#"select exists (select 1 from users where role = 'admin' and is_active) as "found!""#)
        .fetch_one(conn)
        .await?;
    Ok(found)
}
