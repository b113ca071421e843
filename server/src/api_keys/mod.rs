//! Keys by which programs act for somebody, within scopes.

mod key;
pub mod routes;

use model::Problem;
use model::api_keys::{ApiKey, CreatedApiKey, DEFAULT_DAYS, MAX_LIVE, NewApiKey};
use model::auth::AuthUser;
use model::problem::Thing;

use model::rbac::{Action, Relation, Scope};
use model::users::Role;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::audit::{self, Subject};
use crate::{Actor, App, Result, auth, db};

pub use key::Key;

/// Makes a key for the actor, who must have confirmed the password lately; the answer shows it, this once.
pub async fn create(app: &App, actor: &Actor, new: NewApiKey) -> Result<CreatedApiKey> {
    let permit = actor.require(Action::ManageApiKeys, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    new.check(actor.role())?;

    let mut tx = db::begin(&app.db).await?;
    if count_live(&mut tx, actor.id()).await? >= MAX_LIVE {
        return Err(Problem::Conflict { message: format!("You have {MAX_LIVE} keys already; revoke one first") }.into());
    }
    let key = Key::random();
    let api_key = insert(&mut tx, actor.id(), &new, &key).await?;
    let details = json!({"scopes": api_key.scopes, "expires_at": api_key.expires_at});
    audit::record(&mut tx, actor, permit, "api_key.create", Subject::ApiKey(api_key.id), details).await?;
    tx.commit().await?;
    Ok(CreatedApiKey { key: key.into_shown(), api_key })
}

/// The actor's keys: those in force first, then the newest; 100 at most.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<ApiKey>> {
    actor.require(Action::ManageApiKeys, Relation::Own)?;
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at,
               revoked_at is null and expires_at > now() as "is_live!"
        from api_keys
        where user_id = $1
        order by revoked_at is null and expires_at > now() desc, id desc
        limit 100
        "#,
        actor.id(),
    )
    .fetch_all(&app.db)
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Ends a key of the actor, who must have confirmed the password lately; a stranger's or a revoked one is not found.
pub async fn revoke(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let permit = actor.require(Action::ManageApiKeys, Relation::Own)?;
    auth::require_sudo(app, actor).await?;

    let mut tx = db::begin(&app.db).await?;
    let done = sqlx::query!(
        "update api_keys set revoked_at = now() where id = $1 and user_id = $2 and revoked_at is null",
        id,
        actor.id(),
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Problem::NotFound { what: Thing::ApiKey }.into());
    }
    audit::record(&mut tx, actor, permit, "api_key.revoke", Subject::ApiKey(id), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends every key of the actor that is in force, who must have confirmed the password lately; the answer is how many.
pub async fn revoke_all(app: &App, actor: &Actor) -> Result<u64> {
    let permit = actor.require(Action::ManageApiKeys, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    let mut tx = db::begin(&app.db).await?;
    let revoked = revoke_all_of(&mut tx, actor.id()).await?;
    let (user, details) = (Subject::User(actor.id()), json!({"keys": revoked}));
    audit::record(&mut tx, actor, permit, "api_key.revoke_all", user, details).await?;
    tx.commit().await?;
    Ok(revoked)
}

/// Ends every key of a user whose account may have been taken over; the answer is how many. In the transaction that gives it back.
pub async fn revoke_all_of(conn: &mut PgConnection, user_id: Uuid) -> Result<u64> {
    let done =
        sqlx::query!("update api_keys set revoked_at = now() where user_id = $1 and revoked_at is null", user_id)
            .execute(conn)
            .await?;
    Ok(done.rows_affected())
}

/// Days that a key is still shown after its end.
const KEPT_DAYS: i32 = 90;

/// Removes keys that were revoked or have expired long ago; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from api_keys where least(revoked_at, expires_at) < now() - make_interval(days => $1)",
        KEPT_DAYS,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The person behind a key, limited to its scopes, if it is in force and the account active. What can not be a key is not looked up.
pub async fn find(app: &App, text: &str) -> Result<Option<Actor>> {
    let Some(key) = Key::read(text) else { return Ok(None) };
    let row = sqlx::query!(
        r#"
        select api_keys.id as key_id, api_keys.scopes,
               coalesce(last_used_at < now() - interval '1 minute', true) as "is_stale!",
               users.id, users.username, users.email, users.role as "role: Role", users.must_change_password
        from api_keys
        join users on users.id = api_keys.user_id
        where key_hash = $1 and revoked_at is null and expires_at > now() and users.is_active
        "#,
        key.hash(),
    )
    .fetch_optional(&app.db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.is_stale {
        sqlx::query!("update api_keys set last_used_at = now() where id = $1", row.key_id).execute(&app.db).await?;
    }
    let user = AuthUser { id: row.id, username: row.username, email: row.email, role: row.role, impersonated_by: None };
    let scopes = Some(known(&row.scopes));
    Ok(Some(Actor { must_change_password: row.must_change_password, scopes, ..Actor::of(user) }))
}

/// How many keys of the user are in force. Under a lock on the user, so that two at once can not both be the last.
async fn count_live(conn: &mut PgConnection, user_id: Uuid) -> Result<i64> {
    sqlx::query!("select id from users where id = $1 for no key update", user_id).fetch_one(&mut *conn).await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from api_keys where user_id = $1 and revoked_at is null and expires_at > now()"#,
        user_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

async fn insert(conn: &mut PgConnection, user_id: Uuid, new: &NewApiKey, key: &Key) -> Result<ApiKey> {
    // In the order of the table, and each once.
    let scopes = Scope::ALL.iter().filter(|scope| new.scopes.contains(scope));
    let names: Vec<String> = scopes.map(|scope| scope.name().to_owned()).collect();
    let row = sqlx::query_as!(
        Row,
        r#"
        insert into api_keys (id, user_id, name, prefix, key_hash, scopes, expires_at)
        values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))
        returning id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at, true as "is_live!"
        "#,
        Uuid::now_v7(),
        user_id,
        new.name.trim(),
        key.prefix(),
        key.hash(),
        &names,
        new.expires_in_days.unwrap_or(DEFAULT_DAYS) as i32,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

/// A key as it is stored: scopes by their names.
struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    created_at: chrono::DateTime<chrono::Utc>,
    expires_at: chrono::DateTime<chrono::Utc>,
    last_used_at: Option<chrono::DateTime<chrono::Utc>>,
    revoked_at: Option<chrono::DateTime<chrono::Utc>>,
    is_live: bool,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            scopes: known(&row.scopes),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            is_live: row.is_live,
        }
    }
}

/// A scope that this program does not know allows nothing.
fn known(names: &[String]) -> Vec<Scope> {
    names.iter().filter_map(|name| Scope::by_name(name)).collect()
}
