//! The `sessions` table: one row a login, for browsers and programs alike, found by the hash of its token.

use chrono::{DateTime, Utc};
use model::auth::{AuthUser, Session, SessionKind};
use model::rbac::{Action, Relation, allowed};
use model::users::Role;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgExecutor, PgPool};
use tower_sessions::session::Id;
use uuid::Uuid;

use super::device;
use crate::http::Client;
use crate::{Actor, App, Result};

/// A session that is in force.
#[derive(Clone, Debug)]
pub struct Found {
    pub actor: Actor,
    pub expires_at: DateTime<Utc>,
}

/// A new random token of 128 bits, in the form that tower-sessions puts into its cookie.
pub fn new_token() -> Id {
    Id(i128::from_le_bytes(rand::random()))
}

/// What is stored of a token, or of anything else that nobody can guess.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Writes a session; the answer is when it ends unless it is used or refreshed. The login counts as a confirmed password. One that is
/// remembered has no idle end, so that a browser may rest for longer.
pub async fn insert(
    conn: &mut PgConnection,
    app: &App,
    user_id: Uuid,
    kind: SessionKind,
    token: &str,
    client: &Client,
    is_remembered: bool,
) -> Result<DateTime<Utc>> {
    let auth = &app.config.auth;
    let idle_until = sqlx::query_scalar!(
        r#"
        insert into sessions (id, user_id, token_hash, kind, user_agent, ip, idle_until, absolute_until, sudo_until, is_remembered)
        values ($1, $2, $3, $4, $5, $6::text::inet, now() + make_interval(hours => $7), now() + make_interval(hours => $8),
                now() + make_interval(mins => $9), $10)
        returning idle_until
        "#,
        Uuid::now_v7(),
        user_id,
        hash(token),
        kind as SessionKind,
        client.user_agent,
        client.ip.map(|ip| ip.to_string()),
        whole(if is_remembered { auth.session_absolute_hours } else { auth.session_duration_hours }),
        whole(auth.session_absolute_hours),
        whole(auth.sudo_minutes),
        is_remembered,
    )
    .fetch_one(conn)
    .await?;
    tracing::info!(user_id = %user_id, kind = ?kind, "a session begins");
    Ok(idle_until)
}

/// PostgreSQL's `make_interval` takes an `int`.
fn whole(setting: u32) -> i32 {
    i32::try_from(setting).unwrap_or(i32::MAX)
}

/// The person behind a token, if the session is in force and the account active. One in which an administrator acts as somebody else is in
/// force only while the own session is, and while the administrator may do that.
pub async fn find(app: &App, token: &str, kind: SessionKind) -> Result<Option<Found>> {
    let row = sqlx::query!(
        r#"
        select sessions.id as session_id, sessions.idle_until,
               sessions.last_seen_at < now() - interval '1 minute' as "is_stale!",
               users.id, users.username, users.email, users.role as "role: Role", users.must_change_password,
               admins.id as "admin_id?", admins.username as "admin_name?", admins.email as "admin_email?",
               admins.role as "admin_role?: Role"
        from sessions
        join users on users.id = sessions.user_id
        left join sessions as own
            on own.id = sessions.impersonator_session_id and own.idle_until > now() and own.absolute_until > now()
        left join users as admins on admins.id = own.user_id and admins.id = sessions.impersonator_id and admins.is_active
        where sessions.token_hash = $1 and sessions.kind = $2 and users.is_active
          and sessions.idle_until > now() and sessions.absolute_until > now()
          and (sessions.impersonator_id is null or admins.id is not null)
        "#,
        hash(token),
        kind as SessionKind,
    )
    .fetch_optional(&app.db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let impersonator = match (row.admin_id, row.admin_name, row.admin_email, row.admin_role) {
        (Some(id), Some(username), Some(email), Some(role)) if may_impersonate(role, row.role) => {
            Some(AuthUser { id, username, email, role, impersonated_by: None })
        }
        (Some(_), ..) => return Ok(None),
        (None, ..) => None,
    };
    if row.is_stale {
        touch(app, row.session_id).await?;
    }
    let impersonated_by = impersonator.as_ref().map(|admin| admin.username.clone());
    // An administrator who acts as somebody cannot choose their password, so that is not asked for.
    let must_change_password = row.must_change_password && impersonator.is_none();
    let user = AuthUser { id: row.id, username: row.username, email: row.email, role: row.role, impersonated_by };
    let actor = Actor { session_id: Some(row.session_id), must_change_password, impersonator, ..Actor::of(user) };
    Ok(Some(Found { actor, expires_at: row.idle_until }))
}

fn may_impersonate(admin: Role, role: Role) -> bool {
    allowed(admin, Action::Impersonate, Relation::to_person(admin, role))
}

/// Whether the session has not ended and its account is active, by the rules of [`find`].
pub async fn is_in_force(app: &App, session_id: Uuid) -> Result<bool> {
    let row = sqlx::query!(
        r#"
        select users.role as "role: Role", admins.role as "admin_role?: Role"
        from sessions
        join users on users.id = sessions.user_id
        left join sessions as own
            on own.id = sessions.impersonator_session_id and own.idle_until > now() and own.absolute_until > now()
        left join users as admins on admins.id = own.user_id and admins.id = sessions.impersonator_id and admins.is_active
        where sessions.id = $1 and users.is_active and sessions.idle_until > now() and sessions.absolute_until > now()
          and (sessions.impersonator_id is null or admins.id is not null)
        "#,
        session_id,
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(row.is_some_and(|row| row.admin_role.is_none_or(|admin| may_impersonate(admin, row.role))))
}

/// Notes that the session was used; a browser's stays open while it is used, a program refreshes its own.
async fn touch(app: &App, session_id: Uuid) -> Result<()> {
    sqlx::query!(
        r#"
        update sessions
        set last_seen_at = now(),
            idle_until = case
                when is_remembered then absolute_until
                when kind = 'browser' then least(absolute_until, now() + make_interval(hours => $2))
                else idle_until
            end
        where id = $1 or id = (select impersonator_session_id from sessions where id = $1)
        "#,
        session_id,
        whole(app.config.auth.session_duration_hours),
    )
    .execute(&app.db)
    .await?;
    Ok(())
}

/// Makes the session longer, never past its absolute end; none when it was refreshed too lately.
pub async fn refresh(app: &App, session_id: Uuid) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>> {
    let auth = &app.config.auth;
    let row = sqlx::query!(
        r#"
        update sessions
        set refreshed_at = now(), last_seen_at = now(),
            idle_until = least(absolute_until, now() + make_interval(hours => $2))
        where id = $1 and refreshed_at <= now() - make_interval(mins => $3)
        returning idle_until, refreshed_at
        "#,
        session_id,
        whole(auth.session_duration_hours),
        whole(auth.refresh_min_interval_minutes),
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(row.map(|row| (row.idle_until, row.refreshed_at)))
}

/// The sessions of a user that are in force, the one with this id first, then by their last use. Those in which an administrator acts as the
/// user are no devices of theirs.
pub async fn list(app: &App, user_id: Uuid, current: Uuid) -> Result<Vec<Session>> {
    let rows = sqlx::query!(
        r#"
        select id, kind as "kind: SessionKind", user_agent, host(ip) as ip, created_at, last_seen_at,
               idle_until as expires_at, id = $2 as "is_current!"
        from sessions
        where user_id = $1 and idle_until > now() and absolute_until > now() and impersonator_id is null
        order by id = $2 desc, last_seen_at desc, id
        limit 100
        "#,
        user_id,
        current,
    )
    .fetch_all(&app.db)
    .await?;
    let sessions = rows.into_iter().map(|row| {
        let agent = row.user_agent.unwrap_or_default();
        Session {
            id: row.id,
            kind: row.kind,
            browser: device::browser(&agent).map(str::to_owned),
            system: device::system(&agent).map(str::to_owned),
            ip: row.ip,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            is_current: row.is_current,
        }
    });
    Ok(sessions.collect())
}

/// Ends one session of a user; the answer is whether there was one.
pub async fn delete_of(app: &App, user_id: Uuid, session_id: Uuid) -> Result<bool> {
    let done = sqlx::query!("delete from sessions where id = $1 and user_id = $2", session_id, user_id)
        .execute(&app.db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes the rows of sessions that have ended by themselves; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    // A session is never idle beyond its absolute end: the table refuses that.
    let done = sqlx::query!("delete from sessions where idle_until <= now()").execute(db).await?;
    Ok(done.rows_affected())
}

/// Lets delicate things be done in this session for a while, and says until when; none when it has ended.
pub async fn confirm(app: &App, session_id: Uuid) -> Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!(
        r#"
        update sessions set sudo_until = now() + make_interval(mins => $2) where id = $1 returning sudo_until as "until!"
        "#,
        session_id,
        whole(app.config.auth.sudo_minutes),
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(until)
}

/// Whether the password was given in this session lately.
pub async fn is_confirmed(app: &App, session_id: Uuid) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select 1 from sessions where id = $1 and sudo_until > now()) as "found!""#,
        session_id,
    )
    .fetch_one(&app.db)
    .await?;
    Ok(found)
}

/// Whether the browser keeps the session when it is closed.
pub async fn is_remembered(app: &App, session_id: Uuid) -> Result<bool> {
    let found = sqlx::query_scalar!("select is_remembered from sessions where id = $1", session_id)
        .fetch_optional(&app.db)
        .await?;
    Ok(found.unwrap_or_default())
}

/// Ends one session.
pub async fn delete(app: &App, session_id: Uuid) -> Result<()> {
    sqlx::query!("delete from sessions where id = $1", session_id).execute(&app.db).await?;
    Ok(())
}

/// Ends the session of a browser's token.
pub async fn delete_by_token(app: &App, token: &str) -> Result<()> {
    sqlx::query!("delete from sessions where token_hash = $1", hash(token)).execute(&app.db).await?;
    Ok(())
}

/// Ends all sessions of a user but the one to keep, and logins that wait for a code; the answer is how many sessions.
pub async fn delete_all(db: impl PgExecutor<'_>, user_id: Uuid, kept: Option<Uuid>) -> Result<u64> {
    let done = sqlx::query!(
        r#"
        with waiting as (delete from login_challenges where user_id = $1)
        delete from sessions where user_id = $1 and id is distinct from $2
        "#,
        user_id,
        kept,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
