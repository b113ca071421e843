//! The changes of an account that are made to one person or to many: whom they are for and what they do stand here once.

use model::Problem;
use model::rbac::Action;
use model::users::Role;
use model::users::manage::{DeleteUser, Reason, SetRole, SetStatus};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::manage::locked;
use super::{NOBODY, keep_an_admin, rows};
use crate::audit::Subject;
use crate::auth::sessions;
use crate::{Actor, App, Result, audit, auth};

/// A change of somebody's account.
#[derive(Clone, Debug)]
pub enum Change {
    Status(SetStatus),
    Role(SetRole),
    RequirePassword(Reason),
    EndSessions(Reason),
    Delete(DeleteUser),
    Restore(Reason),
}

impl Change {
    /// What the permission table has to allow.
    pub fn action(&self) -> Action {
        match self {
            Self::Status(_) => Action::SetUserStatus,
            Self::Role(_) => Action::SetUserRole,
            Self::RequirePassword(_) => Action::ResetPassword,
            Self::EndSessions(_) => Action::EndSessions,
            Self::Delete(_) => Action::DeleteUser,
            Self::Restore(_) => Action::RestoreUser,
        }
    }

    /// Before anybody is looked at: refuses whoever may make it to nobody, or whose password was given too long ago for it.
    ///
    /// # Errors
    /// Field problems as well.
    pub async fn admit(&self, app: &App, actor: &Actor) -> Result<()> {
        actor.require_for_somebody(self.action())?;
        if matches!(self, Self::Role(_) | Self::Delete(_)) {
            auth::require_sudo(app, actor).await?;
        }
        Ok(self.check()?)
    }

    fn check(&self) -> Result<(), Problem> {
        match self {
            Self::Status(wish) => wish.check(),
            Self::Role(wish) => wish.check(),
            Self::RequirePassword(why) | Self::EndSessions(why) | Self::Restore(why) => why.check(),
            Self::Delete(wish) => wish.check(),
        }
    }

    /// Makes it to one person, with its row in the audit log, in the transaction of the caller. What is refused must not be committed.
    ///
    /// # Errors
    /// Whatever refuses it for this person: the permission table, where the account stands, the last administrator.
    pub async fn make(&self, conn: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
        match self {
            Self::Status(wish) => set_status(conn, actor, id, wish).await,
            Self::Role(wish) => set_role(conn, actor, id, wish).await,
            Self::RequirePassword(why) => require_password_change(conn, actor, id, why).await,
            Self::EndSessions(why) => end_sessions(conn, actor, id, why).await.map(drop),
            Self::Delete(wish) => delete(conn, actor, id, wish).await,
            Self::Restore(why) => restore(conn, actor, id, why).await,
        }
    }
}

fn is_deleted() -> Problem {
    Problem::Conflict { message: "The account is deleted; restore it first".into() }
}

async fn set_status(conn: &mut PgConnection, actor: &Actor, id: Uuid, wish: &SetStatus) -> Result<()> {
    let (user, permit) = locked(conn, actor, Action::SetUserStatus, id).await?;
    if user.deleted_at.is_some() {
        return Err(is_deleted().into());
    }
    if !wish.is_active {
        keep_an_admin(conn, &user).await?;
        sessions::delete_all(&mut *conn, id, None).await?;
    }
    rows::set_active(conn, id, wish.is_active).await?;
    let details = json!({"is_active": wish.is_active, "reason": wish.reason});
    audit::record(conn, actor, permit, "user.set_status", Subject::User(id), details).await
}

async fn set_role(conn: &mut PgConnection, actor: &Actor, id: Uuid, wish: &SetRole) -> Result<()> {
    let (user, permit) = locked(conn, actor, Action::SetUserRole, id).await?;
    if wish.role != Role::Admin {
        keep_an_admin(conn, &user).await?;
    }
    rows::set_role(conn, id, wish.role).await?;
    let details = json!({"from": user.role, "to": wish.role, "reason": wish.reason});
    audit::record(conn, actor, permit, "user.set_role", Subject::User(id), details).await
}

async fn require_password_change(conn: &mut PgConnection, actor: &Actor, id: Uuid, why: &Reason) -> Result<()> {
    let (user, permit) = locked(conn, actor, Action::ResetPassword, id).await?;
    if user.deleted_at.is_some() {
        return Err(is_deleted().into());
    }
    rows::require_password_change(conn, id).await?;
    let details = json!({"reason": why.reason});
    audit::record(conn, actor, permit, "user.require_password_change", Subject::User(id), details).await
}

/// The answer is how many.
pub async fn end_sessions(conn: &mut PgConnection, actor: &Actor, id: Uuid, why: &Reason) -> Result<u64> {
    let (_, permit) = locked(conn, actor, Action::EndSessions, id).await?;
    let ended = sessions::delete_all(&mut *conn, id, None).await?;
    let details = json!({"sessions": ended, "reason": why.reason});
    audit::record(conn, actor, permit, "user.end_sessions", Subject::User(id), details).await?;
    Ok(ended)
}

async fn delete(conn: &mut PgConnection, actor: &Actor, id: Uuid, wish: &DeleteUser) -> Result<()> {
    if id == actor.id() {
        return Err(Problem::Unreadable { message: "Delete your own account in your profile".into() }.into());
    }
    let (user, permit) = locked(conn, actor, Action::DeleteUser, id).await?;
    if user.deleted_at.is_some() && !wish.hard_delete {
        return Err(NOBODY.into());
    }
    keep_an_admin(conn, &user).await?;
    if wish.hard_delete {
        rows::remove(conn, id).await?;
    } else {
        rows::set_deleted(conn, id, true).await?;
        sessions::delete_all(&mut *conn, id, None).await?;
    }
    let details = json!({"hard": wish.hard_delete, "reason": wish.reason});
    audit::record(conn, actor, permit, "user.delete", Subject::User(id), details).await
}

async fn restore(conn: &mut PgConnection, actor: &Actor, id: Uuid, why: &Reason) -> Result<()> {
    let (user, permit) = locked(conn, actor, Action::RestoreUser, id).await?;
    if user.deleted_at.is_none() {
        return Err(Problem::Conflict { message: "The account is not deleted".into() }.into());
    }
    rows::set_deleted(conn, id, false).await?;
    audit::record(conn, actor, permit, "user.restore", Subject::User(id), json!({"reason": why.reason})).await
}
