//! An administrator acts as somebody of a lower role for a while: a session of its own, beside the administrator's.

use chrono::{DateTime, Utc};
use model::Problem;
use model::auth::{AuthUser, LoggedIn, SessionKind};
use model::rbac::Action;
use model::users::manage::Impersonate;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::sessions::{hash, new_token};
use super::{require_sudo, session_of};
use crate::audit::{self, Subject};
use crate::http::Client;
use crate::rbac::Permit;
use crate::{Actor, App, Result, db, users};

/// Minutes after which it ends at the latest.
const AT_MOST_MINUTES: i32 = 60;

/// Begins: the answer is a session at the door that the actor's own is at. It ends with that one, and when the actor is no longer an
/// administrator. A browser's own session cannot be used meanwhile: [`end_impersonation`] gives it a new token.
///
/// # Errors
/// A refusal when the password was given too long ago, and a conflict for accounts that nobody can log in to.
pub async fn impersonate(app: &App, actor: &Actor, id: Uuid, wish: Impersonate, client: &Client) -> Result<LoggedIn> {
    actor.require_for_somebody(Action::Impersonate)?;
    require_sudo(app, actor).await?;
    wish.check()?;
    let own = session_of(actor)?;
    let mut tx = db::begin(&app.db).await?;
    let (user, permit) = users::locked(&mut tx, actor, Action::Impersonate, id).await?;
    if !user.is_active {
        return Err(Problem::Conflict { message: "Nobody can log in to this account".into() }.into());
    }
    let session_token = new_token().to_string();
    let expires_at = insert(&mut tx, own, id, &session_token, client).await?.ok_or(Problem::NotSignedIn)?;
    let details = json!({"reason": wish.reason.trim(), "until": expires_at});
    audit::record(&mut tx, actor, permit, "user.impersonate", Subject::User(id), details).await?;
    tx.commit().await?;
    let impersonated_by = Some(actor.user.username.clone());
    let user = AuthUser { id: user.id, username: user.username, email: user.email, role: user.role, impersonated_by };
    Ok(LoggedIn { session_token, expires_at, user })
}

/// Ends it; a browser goes on with the answer, the new token of the administrator's own session.
///
/// # Errors
/// A conflict for whoever acts as nobody else.
pub async fn end_impersonation(app: &App, actor: &Actor) -> Result<Option<String>> {
    let nobody = || Problem::Conflict { message: "You act as nobody else".into() };
    let admin = actor.in_truth().ok_or_else(nobody)?;
    // Asked when it began; the session ends with the role (see `sessions::find`).
    let permit = Permit::given(&admin, Action::Impersonate, admin.relation_to(actor.id(), actor.role()));
    let mut tx = db::begin(&app.db).await?;
    let token = new_token().to_string();
    let kind = go_back(&mut tx, session_of(actor)?, &token).await?.ok_or(Problem::NotSignedIn)?;
    let subject = Subject::User(actor.id());
    audit::record(&mut tx, &admin, permit, "user.end_impersonation", subject, json!({})).await?;
    tx.commit().await?;
    Ok((kind == SessionKind::Browser).then_some(token))
}

/// Writes the session, and gives a browser's own session a token that nobody has; none when that has ended.
async fn insert(
    conn: &mut PgConnection,
    own: Uuid,
    user_id: Uuid,
    token: &str,
    client: &Client,
) -> Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!(
        r#"
        with own as (
            update sessions set token_hash = case kind when 'browser' then $7 else token_hash end
            where id = $1
            returning id, user_id, kind
        )
        insert into sessions (id, user_id, token_hash, kind, user_agent, ip, idle_until, absolute_until, impersonator_id,
                              impersonator_session_id)
        select $2, $3, $4, own.kind, $5, $6::text::inet, now() + make_interval(mins => $8), now() + make_interval(mins => $8),
               own.user_id, own.id
        from own
        returning idle_until
        "#,
        own,
        Uuid::now_v7(),
        user_id,
        hash(token),
        client.user_agent,
        client.ip.map(|ip| ip.to_string()),
        hash(&new_token().to_string()),
        AT_MOST_MINUTES,
    )
    .fetch_optional(conn)
    .await?;
    Ok(until)
}

/// Ends the session, and gives a browser's own session this token; the answer is the door of both.
async fn go_back(conn: &mut PgConnection, session_id: Uuid, token: &str) -> Result<Option<SessionKind>> {
    let kind = sqlx::query_scalar!(
        r#"
        with ended as (
            delete from sessions where id = $1 and impersonator_id is not null returning impersonator_session_id
        )
        update sessions
        set token_hash = case kind when 'browser' then $2 else token_hash end
        from ended
        where sessions.id = ended.impersonator_session_id
        returning kind as "kind: SessionKind"
        "#,
        session_id,
        hash(token),
    )
    .fetch_optional(conn)
    .await?;
    Ok(kind)
}
