//! With whom a note is shared, and how they learn of it.

use model::Problem;
use model::notes::{ChangeShare, NoteShare, Permission, ShareNote};
use model::problem::Thing;
use model::rbac::Action;
use model::tasks::{NewTask, Origin};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::NoteLetter;
use super::change::Change;
use crate::mail::{self, Letter};
use crate::notifications::{self, Told};
use crate::tasks::kinds::{Context, Stop, Work};
use crate::tasks::{Rings, enqueue_in};
use crate::{Actor, App, Result, auth, users};

const NOT_SHARED: Problem = Problem::NotFound { what: Thing::Share };

/// What became of the wish to share.
#[derive(Debug)]
pub struct Shared {
    pub share: NoteShare,
    /// No when it was shared with this user already, and the permission was changed.
    pub is_new: bool,
}

/// Shares a note of the actor with somebody, who is told of it in the program and by letter.
///
/// # Errors
/// Field problems for a user who is not there or is the owner, and for too many shares.
pub async fn share(app: &App, actor: &Actor, id: Uuid, wish: ShareNote) -> Result<Shared> {
    // Before the transaction, which would hold a second connection meanwhile. Whoever guesses at names or ids is limited as well.
    auth::take(app, auth::Limit::SharePerAccount, &actor.id().to_string()).await?;

    let mut change = Change::begin(app, actor, Action::ShareNote, id).await?;
    let nobody = || Problem::field("user", "there is nobody of this name, email or id");
    let user = users::active_by_name(&mut *change.tx, wish.user.trim()).await?.ok_or_else(nobody)?;
    if user == change.note.user_id {
        return Err(Problem::field("user", "is the owner of the note").into());
    }
    let is_new = of_user(&mut change.tx, id, user).await?.is_none();
    let most = app.config.notes.shares_per_note;
    if is_new && count(&mut change.tx, id).await? >= i64::from(most) {
        return Err(Problem::field("user", format!("the note is shared with {most} users already")).into());
    }
    let share_id = upsert(&mut change.tx, id, user, wish.permission).await?;
    change.record(actor, "note.share", json!({"user_id": user, "permission": wish.permission})).await?;
    let share = of_user(&mut change.tx, id, user).await?.ok_or(NOT_SHARED)?;
    // In this transaction: who has the note is told of it, and who has not is not.
    let told = match is_new {
        true => Some(enqueue_in(app, &mut change.tx, None, NoteShared { share_id }.task()).await?),
        false => None,
    };
    if let Some(told) = &told {
        let note = Origin { title: "a note that was shared".into(), address: format!("/notes/{id}") };
        told.came_from(&mut change.tx, &note).await?;
    }
    change.also_seen_by(user);
    change.end(app).await?;
    told.iter().for_each(|told| told.ring(app));
    Ok(Shared { share, is_new })
}

/// With whom a note of the actor is shared, by name.
pub async fn shares(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<NoteShare>> {
    actor.require_at_all(Action::ShareNote)?;
    let note = super::get(app, actor, id).await?;
    actor.require(Action::ShareNote, note.relation)?;
    let shares = sqlx::query_as!(
        NoteShare,
        r#"
        select s.id, s.user_id, u.username, s.permission as "permission: Permission", s.created_at
        from note_shares s
        join users u on u.id = s.user_id
        where s.note_id = $1 and u.deleted_at is null
        order by lower(u.username)
        limit 1000
        "#,
        id,
    );
    Ok(shares.fetch_all(&app.db).await?)
}

/// Changes what somebody may do with a note of the actor that is shared with them.
pub async fn change_share(app: &App, actor: &Actor, id: Uuid, user: Uuid, wish: ChangeShare) -> Result<NoteShare> {
    let mut change = Change::begin(app, actor, Action::ShareNote, id).await?;
    of_user(&mut change.tx, id, user).await?.ok_or(NOT_SHARED)?;
    upsert(&mut change.tx, id, user, wish.permission).await?;
    change.record(actor, "note.share", json!({"user_id": user, "permission": wish.permission})).await?;
    let share = of_user(&mut change.tx, id, user).await?.ok_or(NOT_SHARED)?;
    change.end(app).await?;
    Ok(share)
}

/// Ends a share: its owner takes a note back, or somebody leaves one that was given to them.
pub async fn unshare(app: &App, actor: &Actor, id: Uuid, user: Uuid) -> Result<()> {
    let action = if user == actor.id() { Action::LeaveNote } else { Action::ShareNote };
    let mut change = Change::begin(app, actor, action, id).await?;
    let done = sqlx::query!("delete from note_shares where note_id = $1 and user_id = $2", id, user);
    if done.execute(&mut *change.tx).await?.rows_affected() == 0 {
        return Err(NOT_SHARED.into());
    }
    change.record(actor, "note.unshare", json!({"user_id": user})).await?;
    change.end(app).await
}

async fn of_user(conn: &mut PgConnection, note_id: Uuid, user_id: Uuid) -> Result<Option<NoteShare>> {
    let share = sqlx::query_as!(
        NoteShare,
        r#"
        select s.id, s.user_id, u.username, s.permission as "permission: Permission", s.created_at
        from note_shares s
        join users u on u.id = s.user_id
        where s.note_id = $1 and s.user_id = $2
        "#,
        note_id,
        user_id,
    );
    Ok(share.fetch_optional(conn).await?)
}

/// The note is locked, so that two at once can not both be the last.
async fn count(conn: &mut PgConnection, note_id: Uuid) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!" from note_shares s join users u on u.id = s.user_id where s.note_id = $1 and u.deleted_at is null
        "#,
        note_id,
    );
    Ok(count.fetch_one(conn).await?)
}

/// Shares, or changes the permission of a share that is there; the answer is its id.
async fn upsert(conn: &mut PgConnection, note_id: Uuid, user_id: Uuid, permission: Permission) -> Result<Uuid> {
    let id = sqlx::query_scalar!(
        r#"
        insert into note_shares (id, note_id, user_id, permission) values ($1, $2, $3, $4)
        on conflict on constraint note_shares_user_key do update set permission = excluded.permission
        returning id
        "#,
        Uuid::now_v7(),
        note_id,
        user_id,
        permission as Permission,
    );
    Ok(id.fetch_one(conn).await?)
}

/// The task that tells somebody of a note that was shared with them. Moderators see payloads, so it holds nothing of the note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteShared {
    pub share_id: Uuid,
}

impl NoteShared {
    /// The task, to be queued in the transaction of the share.
    pub fn task(&self) -> NewTask {
        NewTask { task_type: Self::NAME.into(), payload: json!(self), ..NewTask::default() }
    }
}

impl Work for NoteShared {
    const NAME: &'static str = "note_shared";
    const DESCRIPTION: &'static str = "Tells a user of a note that was shared with them.";
    const IS_INTERNAL: bool = true;

    /// The notification, the letter and the end of the task are one transaction; and of two tasks for one share the second finds the
    /// notification there. So however often it runs, it tells once.
    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let again = |error| context.again("The share could not be told", error);
        let mut tx = context.begin().await?;
        let Some(share) = receipt(&mut *tx, self.share_id).await.map_err(again)? else {
            return context.complete_in(tx, json!({"told": false})).await;
        };
        let told = Told {
            user_id: share.user_id,
            key: format!("share:{}", self.share_id),
            text: format!(
                "{} shared the note “{}” with you, to {}.",
                share.owner,
                share.title,
                share.permission.name()
            ),
            href: format!("/notes/{}", share.note_id),
        };
        let is_new = notifications::add(&mut tx, &told).await.map_err(again)?;
        let letter = Letter::NoteShared(NoteLetter { user_id: share.user_id, share_id: self.share_id });
        let rings = match is_new {
            true => Some(letter_of(&letter, context, &mut tx).await.map_err(again)?),
            false => None,
        };
        let result = context.complete_in(tx, json!({"told": is_new})).await?;
        rings.iter().for_each(|rings| rings.ring(&context.app));
        notifications::ring(&context.app, share.user_id);
        Ok(result)
    }
}

async fn letter_of(letter: &Letter, context: &Context, conn: &mut PgConnection) -> Result<Rings> {
    let rings = mail::queue(&context.app, conn, letter).await?;
    rings.came_from(conn, &Origin::task(context.task_id())).await?;
    Ok(rings)
}

/// What a share is about, for whoever is told of it.
pub struct Receipt {
    pub note_id: Uuid,
    pub title: String,
    pub owner: String,
    pub user_id: Uuid,
    pub permission: Permission,
}

/// A share as it is now; none when it has ended meanwhile, or its owner has gone.
pub async fn receipt(db: impl PgExecutor<'_>, share_id: Uuid) -> Result<Option<Receipt>> {
    let receipt = sqlx::query_as!(
        Receipt,
        r#"
        select n.id as note_id, n.title, u.username as owner, s.user_id, s.permission as "permission: Permission"
        from note_shares s
        join notes n on n.id = s.note_id
        join users u on u.id = n.user_id and u.deleted_at is null
        where s.id = $1
        "#,
        share_id,
    );
    Ok(receipt.fetch_optional(db).await?)
}
