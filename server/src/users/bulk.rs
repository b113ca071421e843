//! One change for many people. Each is a transaction of its own, judged by the same rule and changed by the same lines as one person alone.

use std::collections::{HashMap, HashSet};

use model::Problem;
use model::users::bulk::{BulkAction, BulkPerson, BulkRefusal, BulkResult, BulkUsers};
use model::users::manage::{DeleteUser, Reason, SetRole, SetStatus};
use uuid::Uuid;

use super::change::Change;
use super::manage::readable;
use super::rows;
use crate::http::{code_of, request_id};
use crate::{Actor, App, Result, db};

/// Makes one change to many people, or with `dry_run` says what it would come to: then each transaction is rolled back instead. Who is
/// refused stays as they are, and keeps nobody else from being changed. The own account is not among them, so a mistake in the list shuts
/// nobody out.
///
/// # Errors
/// A refusal of the whole for whoever may do it to nobody, or gave the password too long ago for it, and field problems. When the database
/// goes away in the middle, those who were not reached are refused with that.
pub async fn bulk(app: &App, actor: &Actor, wish: BulkUsers) -> Result<BulkResult> {
    let change = change_of(&wish)?;
    change.admit(app, actor).await?;
    wish.check()?;
    let mut names = names(app, actor, &wish.ids).await?;
    let (mut seen, mut people, mut fault) = (HashSet::new(), Vec::new(), None);
    for id in wish.ids.iter().copied().filter(|id| seen.insert(*id)) {
        let problem = match &fault {
            Some(fault) => Some(Problem::clone(fault)),
            None => make(app, actor, &change, id, wish.dry_run)
                .await
                .err()
                .map(|error| error.into_problem(&request_id::current())),
        };
        if matches!(problem, Some(Problem::Internal { .. } | Problem::Unavailable { .. })) {
            fault.clone_from(&problem);
        }
        people.push(BulkPerson { id, username: names.remove(&id), refused: problem.as_ref().map(refusal) });
    }
    let refused = people.iter().filter(|one| one.refused.is_some()).count();
    Ok(BulkResult { dry_run: wish.dry_run, done: people.len() - refused, refused, people })
}

fn change_of(wish: &BulkUsers) -> Result<Change, Problem> {
    let reason = wish.reason.clone();
    Ok(match wish.action {
        BulkAction::Enable => Change::Status(SetStatus { is_active: true, reason }),
        BulkAction::Disable => Change::Status(SetStatus { is_active: false, reason }),
        BulkAction::EndSessions => Change::EndSessions(Reason { reason }),
        BulkAction::RequirePasswordChange => Change::RequirePassword(Reason { reason }),
        BulkAction::SetRole => {
            let role = wish.role.ok_or_else(|| Problem::field("role", "is required"))?;
            Change::Role(SetRole { role, reason })
        }
        BulkAction::Delete => Change::Delete(DeleteUser { reason, hard_delete: false }),
        BulkAction::Restore => Change::Restore(Reason { reason }),
    })
}

/// The names of those whom the actor may read.
pub async fn names(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let found = rows::by_ids(&app.db, ids).await?;
    let readable = found.into_iter().filter_map(|user| readable(actor, Some(user)).ok());
    Ok(readable.map(|(user, _)| (user.id, user.username)).collect())
}

async fn make(app: &App, actor: &Actor, change: &Change, id: Uuid, dry_run: bool) -> Result<()> {
    if id == actor.id() {
        let message = "Your own account is not changed together with others".into();
        return Err(Problem::Conflict { message }.into());
    }
    let mut tx = db::begin(&app.db).await?;
    change.make(&mut tx, actor, id).await?;
    if dry_run {
        tx.rollback().await?
    } else {
        tx.commit().await?
    }
    Ok(())
}

fn refusal(problem: &Problem) -> BulkRefusal {
    BulkRefusal { code: code_of(problem).into(), message: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use model::users::Role;

    use super::*;

    #[test]
    fn pages_and_services_ask_the_table_for_the_same() {
        for action in BulkAction::ALL {
            let wish = BulkUsers { ids: Vec::new(), action, role: Some(Role::User), reason: None, dry_run: false };
            assert_eq!(change_of(&wish).unwrap().action(), action.permission(), "{action:?}");
        }
    }
}
