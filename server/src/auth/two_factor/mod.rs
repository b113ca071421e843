//! The second factor: switching it on and off, and asking for it.

pub mod challenge;
mod recovery_codes;
mod rotation;
pub mod routes;
mod seal;
mod totp;

use chrono::{DateTime, Utc};
use model::Problem;
use model::rbac::{Action, Relation};
use model::two_factor::{Code, Enrolment, RecoveryCodes, TwoFactor};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::sessions;
use crate::audit::{self, Subject};
use crate::mail::{self, Letter};
use crate::rbac::Permit;
use crate::tasks::Rings;
use crate::{Actor, App, Result, auth, db};

pub use rotation::{Secrets, rotate_encryption_key, secrets};
pub use seal::{check, complaint};

/// Wrong codes of an app within [`MISSES_MINUTES`] after which no more are looked at. With three codes good at a time out of a million
/// somebody who knows the password has a chance of 1 in 1,000 a day. A recovery code is looked at all the same: it can not be guessed.
const MAX_MISSES: i32 = 10;
const MISSES_MINUTES: i32 = 60;

/// Where the actor's account stands.
pub async fn status(app: &App, actor: &Actor) -> Result<TwoFactor> {
    actor.require(Action::ManageTwoFactor, Relation::Own)?;
    let Some(row) = find(&app.db, actor.id()).await? else { return Ok(TwoFactor::Off) };
    if row.confirmed_at.is_some() {
        let recovery_codes_left = recovery_codes::count_left(&app.db, actor.id()).await?;
        return Ok(TwoFactor::On { recovery_codes_left });
    }
    // Who comes by at an open laptop must not read the secret before its owner makes it count.
    if !auth::is_confirmed(app, actor).await? {
        return Ok(TwoFactor::Off);
    }
    let secret = seal::open(app, actor.id(), &row.secret)?;
    Ok(TwoFactor::SettingUp(totp::enrolment(&secret, &actor.user.username)?))
}

/// Makes a secret for the actor's app. It counts for nothing until a code of it comes to [`switch_on`]; one that was made before is replaced.
///
/// # Errors
/// A conflict when two-factor is on already, or there is no encryption key.
pub async fn start(app: &App, actor: &Actor) -> Result<Enrolment> {
    actor.require(Action::ManageTwoFactor, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    let secret = totp::new_secret();
    let sealed = seal::seal(app, actor.id(), &secret)?;
    let kept = sqlx::query!(
        r#"
        insert into two_factor (user_id, secret)
        values ($1, $2)
        on conflict (user_id) do update
        set secret = excluded.secret, created_at = now()
        where two_factor.confirmed_at is null
        "#,
        actor.id(),
        sealed,
    )
    .execute(&app.db)
    .await?;
    if kept.rows_affected() == 0 {
        return Err(Problem::Conflict { message: "Two-factor is on already".into() }.into());
    }
    totp::enrolment(&secret, &actor.user.username)
}

/// Switches two-factor on by the first code of the app. All other sessions end: they began without it.
///
/// # Errors
/// A field problem for a wrong code, and a conflict when nothing was started.
pub async fn switch_on(app: &App, actor: &Actor, given: Code) -> Result<RecoveryCodes> {
    let permit = actor.require(Action::ManageTwoFactor, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    let mut tx = db::begin_short(&app.db).await?;
    let started = lock(&mut tx, actor.id()).await?.filter(|row| row.confirmed_at.is_none());
    let row = started.ok_or(Problem::Conflict { message: "Start to set two-factor up first".into() })?;
    let secret = seal::open(app, actor.id(), &row.secret)?;
    let code = plain(&given.code);
    let step = if totp::is_code(&code) { totp::step_of(&secret, &code, row.now.timestamp())? } else { None };
    let step = step.ok_or_else(|| Problem::field("code", "is not the code that the app shows now"))?;
    accept(&mut tx, actor.id(), step).await?;
    let codes = recovery_codes::renew(&mut tx, actor.id()).await?;
    sessions::delete_all(&mut *tx, actor.id(), actor.session_id).await?;
    record(&mut tx, actor, permit, "two_factor.on").await?;
    let told = mail::queue(app, &mut tx, &Letter::TwoFactorOn { user_id: actor.id() }).await?;
    tx.commit().await?;
    told.ring(app);
    Ok(RecoveryCodes { codes })
}

/// Replaces the actor's recovery codes.
///
/// # Errors
/// A conflict when two-factor is off.
pub async fn renew_recovery_codes(app: &App, actor: &Actor) -> Result<RecoveryCodes> {
    let permit = actor.require(Action::ManageTwoFactor, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    let mut tx = db::begin_short(&app.db).await?;
    lock_in_force(&mut tx, actor.id()).await?.ok_or_else(is_off)?;
    let codes = recovery_codes::renew(&mut tx, actor.id()).await?;
    record(&mut tx, actor, permit, "two_factor.renew_codes").await?;
    tx.commit().await?;
    Ok(RecoveryCodes { codes })
}

/// Switches the actor's two-factor off, by a code.
///
/// # Errors
/// A field problem for a wrong code, and a conflict when it is off.
pub async fn switch_off(app: &App, actor: &Actor, given: Code) -> Result<()> {
    let permit = actor.require(Action::ManageTwoFactor, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    if !is_on(app, actor.id()).await? {
        return Err(is_off().into());
    }
    if !use_up(app, actor.id(), &given.code).await? {
        return Err(Problem::field("code", "is wrong or was used before").into());
    }
    let mut tx = db::begin(&app.db).await?;
    if !take_away(&mut tx, actor.id()).await? {
        return Err(is_off().into());
    }
    record(&mut tx, actor, permit, "two_factor.off").await?;
    let letter = Letter::TwoFactorOff { user_id: actor.id(), by_administrator: false };
    let told = mail::queue(app, &mut tx, &letter).await?;
    tx.commit().await?;
    told.ring(app);
    Ok(())
}

fn is_off() -> Problem {
    Problem::Conflict { message: "Two-factor is off".into() }
}

async fn record(conn: &mut PgConnection, actor: &Actor, permit: Permit, action: &str) -> Result<()> {
    audit::record(conn, actor, permit, action, Subject::User(actor.id()), json!({})).await
}

/// Whether a login of this user wants a code.
pub async fn is_on(app: &App, user_id: Uuid) -> Result<bool> {
    Ok(find(&app.db, user_id).await?.is_some_and(|row| row.confirmed_at.is_some()))
}

/// Asks for the code of an account that wants one; others need none.
///
/// # Errors
/// `TwoFactorRequired` when it is missing, `WrongCredentials` when it is wrong or was used before.
pub async fn require(app: &App, user_id: Uuid, code: Option<&str>) -> Result<()> {
    if !is_on(app, user_id).await? {
        return Ok(());
    }
    let code = code.map(str::trim).filter(|code| !code.is_empty()).ok_or(Problem::TwoFactorRequired)?;
    if use_up(app, user_id, code).await? { Ok(()) } else { Err(Problem::WrongCredentials.into()) }
}

/// Whether this is a good code of the user; then it is used up. Its owner gets a letter about a recovery code.
pub async fn use_up(app: &App, user_id: Uuid, code: &str) -> Result<bool> {
    let code = plain(code);
    let mut tx = db::begin_short(&app.db).await?;
    let Some(row) = lock_in_force(&mut tx, user_id).await? else { return Ok(false) };
    let (fits, told) = if totp::is_code(&code) {
        (use_up_code(app, &mut tx, user_id, &row, &code).await?, None)
    } else {
        let fits = recovery_codes::use_up(&mut tx, user_id, &code).await?;
        (fits, if fits { Some(tell_of_recovery_code(app, &mut tx, user_id).await?) } else { None })
    };
    // A miss is kept as well.
    tx.commit().await?;
    told.inspect(|told| told.ring(app));
    Ok(fits)
}

/// A code without what people put between its letters.
fn plain(code: &str) -> String {
    code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect::<String>().to_uppercase()
}

async fn use_up_code(app: &App, conn: &mut PgConnection, user_id: Uuid, row: &Row, code: &str) -> Result<bool> {
    if row.is_barred {
        return Ok(false);
    }
    let secret = seal::open(app, user_id, &row.secret)?;
    // RFC 6238, 5.2: a code is accepted once. Nor is an older one, which somebody may have seen.
    match totp::step_of(&secret, code, row.now.timestamp())?.filter(|step| *step > row.last_step) {
        Some(step) => accept(conn, user_id, step).await.map(|()| true),
        None => miss(conn, user_id).await.map(|()| false),
    }
}

async fn tell_of_recovery_code(app: &App, conn: &mut PgConnection, user_id: Uuid) -> Result<Rings> {
    let left = recovery_codes::count_left(&mut *conn, user_id).await?;
    mail::queue(app, conn, &Letter::RecoveryCodeUsed { user_id, left }).await
}

struct Row {
    secret: Vec<u8>,
    confirmed_at: Option<DateTime<Utc>>,
    last_step: i64,
    /// Whether too many wrong codes came lately.
    is_barred: bool,
    /// The database's clock, which all processes share.
    now: DateTime<Utc>,
}

async fn find(db: impl PgExecutor<'_>, user_id: Uuid) -> Result<Option<Row>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select secret, confirmed_at, last_step, clock_timestamp() as "now!",
               misses >= $2 and misses_since > now() - make_interval(mins => $3) as "is_barred!"
        from two_factor
        where user_id = $1
        "#,
        user_id,
        MAX_MISSES,
        MISSES_MINUTES,
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// The same under a lock: of two uses of one code the second waits, and sees what the first has done.
async fn lock(conn: &mut PgConnection, user_id: Uuid) -> Result<Option<Row>> {
    sqlx::query!("select from two_factor where user_id = $1 for update", user_id).execute(&mut *conn).await?;
    find(conn, user_id).await
}

async fn lock_in_force(conn: &mut PgConnection, user_id: Uuid) -> Result<Option<Row>> {
    Ok(lock(conn, user_id).await?.filter(|row| row.confirmed_at.is_some()))
}

/// The code of this step was right: it counts, and none before it does any more.
async fn accept(conn: &mut PgConnection, user_id: Uuid, step: i64) -> Result<()> {
    sqlx::query!(
        "update two_factor set last_step = $2, misses = 0, confirmed_at = coalesce(confirmed_at, now()) where user_id = $1",
        user_id,
        step,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn miss(conn: &mut PgConnection, user_id: Uuid) -> Result<()> {
    sqlx::query!(
        r#"
        update two_factor
        set misses = case when misses_since > now() - make_interval(mins => $2) then misses + 1 else 1 end,
            misses_since = case when misses_since > now() - make_interval(mins => $2) and misses > 0 then misses_since else now() end
        where user_id = $1
        "#,
        user_id,
        MISSES_MINUTES,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes secret and recovery codes; the answer is whether two-factor was on.
pub async fn take_away(conn: &mut PgConnection, user_id: Uuid) -> Result<bool> {
    let was_on = sqlx::query_scalar!(
        r#"delete from two_factor where user_id = $1 returning confirmed_at is not null as "was_on!""#,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(was_on.unwrap_or_default())
}
