//! What people are told in the program. Other features add to it in their transaction, by a key of their own, and ring after the commit.

pub mod routes;

use model::live::{Hint, Topic};
use model::notifications::Notification;
use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::{Page, PageRequest, Problem, page};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{Actor, App, Result};

/// Days that a notification is kept.
const KEPT_DAYS: i32 = 90;

/// What somebody is to be told.
#[derive(Clone, Debug)]
pub struct Told {
    pub user_id: Uuid,
    /// What it is about. Of two with one key the second is not told.
    pub key: String,
    /// A sentence.
    pub text: String,
    /// The page that it leads to: a path of this program.
    pub href: String,
}

/// Tells somebody, in the caller's transaction; the answer is whether it was not told before.
pub async fn add(conn: &mut PgConnection, told: &Told) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into notifications (id, user_id, key, text, href) values ($1, $2, $3, $4, $5)
        on conflict on constraint notifications_key do nothing
        "#,
        Uuid::now_v7(),
        told.user_id,
        told.key,
        told.text,
        told.href,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Tells the pages of the user to look. After the commit.
pub fn ring(app: &App, user_id: Uuid) {
    app.bell.hint([Hint { topic: Topic::Notification, id: user_id, user_id }]);
}

/// What the actor was told, the newest first.
pub async fn list(app: &App, actor: &Actor, page: PageRequest) -> Result<Page<Notification>> {
    actor.require(Action::ReadNotifications, Relation::Own)?;
    let limit = page.limit()?;
    let total =
        sqlx::query_scalar!(r#"select count(*) as "count!" from notifications where user_id = $1"#, actor.id(),);
    let total = total.fetch_one(&app.db).await?;
    let items = sqlx::query_as!(
        Notification,
        r#"
        select id, text, href, created_at, read_at
        from notifications
        where user_id = $1 and ($2::uuid is null or id < $2)
        order by id desc
        limit $3 offset $4
        "#,
        actor.id(),
        page.after,
        limit + 1,
        page.offset()?,
    );
    let mut items = items.fetch_all(&app.db).await?;
    let next = page::cut(&mut items, limit, |one| one.id);
    Ok(Page { items, total, next })
}

/// How much the actor was told and has not read. Nothing for somebody who must choose a password first: the count is on every page, and what
/// was told is closed to them.
pub async fn unread(app: &App, actor: &Actor) -> Result<i64> {
    if actor.require(Action::ReadNotifications, Relation::Own).is_err() {
        return Ok(0);
    }
    let unread = sqlx::query_scalar!(
        r#"select count(*) as "count!" from notifications where user_id = $1 and read_at is null"#,
        actor.id(),
    );
    Ok(unread.fetch_one(&app.db).await?)
}

/// Ticks one off; the answer is the page that it leads to.
pub async fn read(app: &App, actor: &Actor, id: Uuid) -> Result<String> {
    actor.require(Action::ReadNotifications, Relation::Own)?;
    let href = sqlx::query_scalar!(
        "update notifications set read_at = coalesce(read_at, now()) where id = $1 and user_id = $2 returning href",
        id,
        actor.id(),
    );
    let href = href.fetch_optional(&app.db).await?.ok_or(Problem::NotFound { what: Thing::Notification })?;
    ring(app, actor.id());
    Ok(href)
}

/// Ticks all of them off; the answer is how many.
pub async fn read_all(app: &App, actor: &Actor) -> Result<u64> {
    actor.require(Action::ReadNotifications, Relation::Own)?;
    let done =
        sqlx::query!("update notifications set read_at = now() where user_id = $1 and read_at is null", actor.id());
    let done = done.execute(&app.db).await?;
    ring(app, actor.id());
    Ok(done.rows_affected())
}

/// Removes what was told long ago; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from notifications where created_at < now() - make_interval(days => $1)", KEPT_DAYS,);
    Ok(done.execute(db).await?.rows_affected())
}
