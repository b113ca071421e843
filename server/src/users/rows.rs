//! The `users` table: every statement on accounts.

use model::auth::{AuthUser, Register};
use model::users::manage::{EditProfile, UserFilter, UserSort, UserStatus};
use model::users::{Role, UserProfile};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use super::email;
use crate::{Actor, App, Result};

/// Writes a new account; a taken username or email comes back as that problem.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    new: &Register,
    password_hash: &str,
    role: Role,
) -> Result<UserProfile> {
    let user = sqlx::query_as!(
        UserProfile,
        r#"
        insert into users (id, username, email, password_hash, role)
        values ($1, $2, $3, $4, $5)
        returning id, username, email, role as "role: Role", is_active, email_verified, created_at, last_login_at, deleted_at,
            false as "two_factor!"
        "#,
        id,
        new.username,
        new.email,
        password_hash,
        role as Role,
    )
    .fetch_one(conn)
    .await?;
    Ok(user)
}

/// The account, under a lock until the end of the transaction.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<UserProfile>> {
    let user = sqlx::query_as!(
        UserProfile,
        r#"
        select id, username, email, role as "role: Role", is_active, email_verified, created_at, last_login_at, deleted_at,
            exists (select 1 from two_factor where user_id = users.id and confirmed_at is not null) as "two_factor!"
        from users
        where id = $1
        for update
        "#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(user)
}

/// The account, deleted or not.
pub async fn by_id(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<UserProfile>> {
    let user = sqlx::query_as!(
        UserProfile,
        r#"
        select id, username, email, role as "role: Role", is_active, email_verified, created_at, last_login_at, deleted_at,
            exists (select 1 from two_factor where user_id = users.id and confirmed_at is not null) as "two_factor!"
        from users
        where id = $1
        "#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// The accounts that are there, deleted or not, in no order.
pub async fn by_ids(db: &PgPool, ids: &[Uuid]) -> Result<Vec<UserProfile>> {
    let users = sqlx::query_as!(
        UserProfile,
        r#"
        select id, username, email, role as "role: Role", is_active, email_verified, created_at, last_login_at, deleted_at,
            exists (select 1 from two_factor where user_id = users.id and confirmed_at is not null) as "two_factor!"
        from users
        where id = any($1)
        "#,
        ids,
    )
    .fetch_all(db)
    .await?;
    Ok(users)
}

/// Where a list begins, and how long it is.
pub struct Window {
    pub after: Option<Uuid>,
    pub offset: i64,
    pub limit: i64,
}

/// Accounts of these roles.
pub async fn list(db: &PgPool, roles: &[Role], filter: &UserFilter, window: &Window) -> Result<Vec<UserProfile>> {
    let sort = filter.sort.unwrap_or_default();
    let users = sqlx::query_as!(
        UserProfile,
        r#"
        select id, username, email, role as "role: Role", is_active, email_verified, created_at, last_login_at, deleted_at,
            exists (select 1 from two_factor where user_id = users.id and confirmed_at is not null) as "two_factor!"
        from users
        where role = any($1) and ($2::user_role is null or role = $2)
          and ($3::text is null or strpos(lower(username), lower($3)) > 0 or strpos(lower(email), lower($3)) > 0)
          and case $4::text when 'deleted' then deleted_at is not null
                            when 'active' then is_active
                            when 'inactive' then not is_active and deleted_at is null
                            else deleted_at is null end
          and ($5::uuid is null or id < $5)
        order by case when $6 = 'username' then lower(username) end,
                 case when $6 = 'last_login' then last_login_at end desc nulls last,
                 id desc
        limit $7 offset $8
        "#,
        roles as &[Role],
        filter.role as Option<Role>,
        filter.search.as_deref().map(str::trim).filter(|text| !text.is_empty()),
        filter.status.map(UserStatus::name),
        window.after.filter(|_| sort == UserSort::Newest),
        sort.name(),
        window.limit,
        window.offset,
    )
    .fetch_all(db)
    .await?;
    Ok(users)
}

/// How many accounts a list has in all.
pub async fn count(db: &PgPool, roles: &[Role], filter: &UserFilter) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from users
        where role = any($1) and ($2::user_role is null or role = $2)
          and ($3::text is null or strpos(lower(username), lower($3)) > 0 or strpos(lower(email), lower($3)) > 0)
          and case $4::text when 'deleted' then deleted_at is not null
                            when 'active' then is_active
                            when 'inactive' then not is_active and deleted_at is null
                            else deleted_at is null end
        "#,
        roles as &[Role],
        filter.role as Option<Role>,
        filter.search.as_deref().map(str::trim).filter(|text| !text.is_empty()),
        filter.status.map(UserStatus::name),
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Changes name and email. An email that is another one is not verified, unless that is said as well.
pub async fn edit(conn: &mut PgConnection, id: Uuid, edit: &EditProfile) -> Result<()> {
    let is_verified = sqlx::query_scalar!(
        r#"
        update users
        set username = coalesce($2, username), email = coalesce($3, email), updated_at = now(),
            email_verified = coalesce($4, email_verified and lower(coalesce($3, email)) = lower(email))
        where id = $1
        returning email_verified
        "#,
        id,
        edit.username(),
        edit.email(),
        edit.email_verified,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if is_verified == Some(true) { email::note_verified(conn, id).await } else { Ok(()) }
}

/// Sets the password hash, and whether its owner must choose another password.
pub async fn set_password(conn: &mut PgConnection, id: Uuid, hash: &str, must_change: bool) -> Result<()> {
    sqlx::query!(
        "update users set password_hash = $2, must_change_password = $3, updated_at = now() where id = $1",
        id,
        hash,
        must_change,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the owner choose another password before anything else.
pub async fn require_password_change(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("update users set must_change_password = true, updated_at = now() where id = $1", id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets somebody log in, or not.
pub async fn set_active(conn: &mut PgConnection, id: Uuid, is_active: bool) -> Result<()> {
    sqlx::query!("update users set is_active = $2, updated_at = now() where id = $1", id, is_active)
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives another role.
pub async fn set_role(conn: &mut PgConnection, id: Uuid, role: Role) -> Result<()> {
    sqlx::query!("update users set role = $2, updated_at = now() where id = $1", id, role as Role)
        .execute(conn)
        .await?;
    Ok(())
}

/// Marks as deleted, or not any more; whoever is restored is inactive at first.
pub async fn set_deleted(conn: &mut PgConnection, id: Uuid, is_deleted: bool) -> Result<()> {
    sqlx::query!(
        "update users set is_active = false, deleted_at = case when $2 then now() end, updated_at = now() where id = $1",
        id,
        is_deleted,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes the row, and with it all that hangs on it.
pub async fn remove(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("delete from users where id = $1", id).execute(conn).await?;
    Ok(())
}

/// Whether somebody else is an active administrator. Only one transaction at a time gets to know, until it ends: of two administrators who
/// take the role from each other at once, the second one sees what the first has done.
pub async fn another_admin_stays(conn: &mut PgConnection, id: Uuid) -> Result<bool> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('administrators'))").execute(&mut *conn).await?;
    let stays = sqlx::query_scalar!(
        r#"select exists (select 1 from users where role = 'admin' and is_active and id <> $1) as "stays!""#,
        id,
    );
    Ok(stays.fetch_one(conn).await?)
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
        (
            AuthUser { id: row.id, username: row.username, email: row.email, role: row.role, impersonated_by: None },
            row.password_hash,
        )
    }))
}

/// The account of this username or email, in any case, deleted or not.
pub async fn by_name(db: &PgPool, name: &str) -> Result<Option<Uuid>> {
    let id =
        sqlx::query_scalar!("select id from users where lower(username) = lower($1) or lower(email) = lower($1)", name);
    Ok(id.fetch_optional(db).await?)
}

/// The active user of this id, username or email; names and emails in any case. An email counts once it is verified: anybody can register with
/// an address of somebody else, and would be given what was meant for them.
pub async fn active_by_name(db: impl PgExecutor<'_>, name: &str) -> Result<Option<Uuid>> {
    let id = sqlx::query_scalar!(
        r#"
        select id from users
        where is_active and (id = $2 or lower(username) = lower($1) or (email_verified and lower(email) = lower($1)))
        limit 1
        "#,
        name,
        name.parse::<Uuid>().ok(),
    );
    Ok(id.fetch_optional(db).await?)
}

/// Removes accounts that have been deleted for so many days, for good; the answer is how many.
pub async fn purge(db: &PgPool, days: i32) -> sqlx::Result<u64> {
    let purged = sqlx::query!("delete from users where deleted_at < now() - make_interval(days => $1)", days);
    Ok(purged.execute(db).await?.rows_affected())
}

/// The stored password hash of an active user.
pub async fn password_hash(app: &App, id: Uuid) -> Result<Option<String>> {
    let hash = sqlx::query_scalar!("select password_hash from users where id = $1 and is_active", id);
    Ok(hash.fetch_optional(&app.db).await?)
}

/// Replaces the stored hash by one of the same password.
pub async fn renew_hash(app: &App, id: Uuid, hash: &str) -> Result<()> {
    sqlx::query!("update users set password_hash = $2 where id = $1", id, hash).execute(&app.db).await?;
    Ok(())
}

/// Somebody who may log in.
pub async fn active(app: &App, id: Uuid) -> Result<Option<AuthUser>> {
    let found =
        sqlx::query!(r#"select id, username, email, role as "role: Role" from users where id = $1 and is_active"#, id,)
            .fetch_optional(&app.db)
            .await?;
    Ok(found.map(|row| AuthUser {
        id: row.id,
        username: row.username,
        email: row.email,
        role: row.role,
        impersonated_by: None,
    }))
}

/// The same as the services see somebody, by nothing but the account: for what goes on when the request is long over.
pub async fn actor(conn: &mut PgConnection, id: Uuid) -> Result<Option<Actor>> {
    let found = sqlx::query!(
        r#"select id, username, email, role as "role: Role", must_change_password from users where id = $1 and is_active"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| {
        let (username, email, role) = (row.username, row.email, row.role);
        let user = AuthUser { id: row.id, username, email, role, impersonated_by: None };
        Actor { must_change_password: row.must_change_password, ..Actor::of(user) }
    }))
}

/// Notes that the user has logged in now.
pub async fn note_login(app: &App, id: Uuid) -> Result<()> {
    sqlx::query!("update users set last_login_at = now() where id = $1", id).execute(&app.db).await?;
    Ok(())
}
