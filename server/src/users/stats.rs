//! Figures of all accounts, counted when they are asked for.

use model::rbac::{Action, Relation};
use model::users::Role;
use model::users::stats::{ByRole, Recent, RoleStats, SessionStats, UserDay, UserStats};
use sqlx::PgConnection;

use crate::{Actor, App, Result, db};

/// How many users there are, by state, role and age, and how they log in.
pub async fn stats(app: &App, actor: &Actor) -> Result<UserStats> {
    actor.require(Action::ReadUserStats, Relation::Other)?;
    let mut tx = db::begin(&app.db).await?;
    // One look for all figures, so that they fit each other.
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let roles = roles(&mut tx).await?;
    let days = days(&mut tx).await?;
    let stats = counted(&mut tx, roles, days).await?;
    tx.commit().await?;
    Ok(stats)
}

async fn roles(conn: &mut PgConnection) -> Result<Vec<RoleStats>> {
    let roles = sqlx::query_as!(
        RoleStats,
        r#"
        select role as "role!: Role", count(*) filter (where users.is_active) as "active!",
            count(*) filter (where not users.is_active and deleted_at is null) as "inactive!",
            count(*) filter (where deleted_at is not null) as "deleted!",
            count(*) filter (where users.is_active and exists (
                select 1 from two_factor where user_id = users.id and confirmed_at is not null)) as "two_factor!",
            count(*) filter (where users.is_active and exists (
                select 1 from passkeys where user_id = users.id)) as "passkeys!"
        from unnest(enum_range(null::user_role)) as role
        left join users using (role)
        group by role
        order by role
        "#,
    )
    .fetch_all(conn)
    .await?;
    Ok(roles)
}

async fn days(conn: &mut PgConnection) -> Result<Vec<UserDay>> {
    let days = sqlx::query_as!(
        UserDay,
        r#"
        with days as (
            select (date_trunc('day', now() at time zone 'utc') - make_interval(days => ago)) at time zone 'utc' as at
            from generate_series(0, 29) as ago
        ), registered as (
            select date_trunc('day', created_at, 'utc') as at, count(*) as people
            from users
            where deleted_at is null and created_at > now() - interval '31 days'
            group by 1
        ), seen as (
            select date_trunc('day', last_login_at, 'utc') as at, count(*) as people
            from users
            where deleted_at is null and last_login_at > now() - interval '31 days'
            group by 1
        )
        select at as "at!", coalesce(registered.people, 0) as "registered!", coalesce(seen.people, 0) as "last_login!"
        from days
        left join registered using (at)
        left join seen using (at)
        order by at
        "#,
    )
    .fetch_all(conn)
    .await?;
    Ok(days)
}

async fn counted(conn: &mut PgConnection, roles: Vec<RoleStats>, days: Vec<UserDay>) -> Result<UserStats> {
    let row = sqlx::query!(
        r#"
        with in_force as (
            select kind, user_id
            from sessions
            where idle_until > now() and absolute_until > now() and impersonator_id is null
        )
        select count(*) filter (where email_verified) as "verified!",
            count(*) filter (where must_change_password) as "must_change!",
            count(*) filter (where created_at > now() - interval '24 hours') as "made_day!",
            count(*) filter (where created_at > now() - interval '7 days') as "made_week!",
            count(*) filter (where created_at > now() - interval '30 days') as "made_month!",
            count(*) filter (where last_login_at > now() - interval '24 hours') as "seen_day!",
            count(*) filter (where last_login_at > now() - interval '7 days') as "seen_week!",
            count(*) filter (where last_login_at > now() - interval '30 days') as "seen_month!",
            count(*) filter (where last_login_at is null) as "never!",
            (select count(*) from in_force where kind = 'browser') as "browser!",
            (select count(*) from in_force where kind = 'api') as "api!",
            (select count(distinct user_id) from in_force) as "with_session!", now() as "now!"
        from users
        where deleted_at is null
        "#,
    )
    .fetch_one(conn)
    .await?;
    let sum = |count: fn(&RoleStats) -> i64| roles.iter().map(count).sum::<i64>();
    let (active, inactive, deleted) = (sum(|one| one.active), sum(|one| one.inactive), sum(|one| one.deleted));
    let of = |role| roles.iter().filter(|one| one.role == role).map(|one| one.active + one.inactive).sum();
    Ok(UserStats {
        total_users: active + inactive,
        active_users: active,
        inactive_users: inactive,
        deleted_users: deleted,
        email_verified: row.verified,
        email_unverified: active + inactive - row.verified,
        password_change_required: row.must_change,
        by_role: ByRole { user: of(Role::User), moderator: of(Role::Moderator), admin: of(Role::Admin) },
        recent_registrations: Recent { last_24h: row.made_day, last_7d: row.made_week, last_30d: row.made_month },
        last_logins: Recent { last_24h: row.seen_day, last_7d: row.seen_week, last_30d: row.seen_month },
        never_logged_in: row.never,
        sessions: SessionStats { browser: row.browser, api: row.api, people: row.with_session },
        roles,
        days,
        last_updated: row.now,
    })
}
