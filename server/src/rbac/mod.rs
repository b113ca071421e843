//! Who acts, and the one place where a service refuses by role.

mod removed;

use std::fmt;
use std::net::IpAddr;
use std::panic::Location;

use model::Problem;
use model::auth::AuthUser;
use model::rbac::{Action, Relation, Scope, allowed, scope_of};
use model::users::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use removed::is_removed;
#[cfg(feature = "mutate")]
pub use removed::{reached_since, remove};

/// The person behind a request, as the services see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Actor {
    pub user: AuthUser,
    /// The session that the request came with; none for an API key and for the command line.
    pub session_id: Option<Uuid>,
    /// Somebody else has set the password: nothing but the own account is open before it is changed.
    pub must_change_password: bool,
    /// What the request's API key is good for; none when it came by no key, and all that the role allows is open.
    pub scopes: Option<Vec<Scope>>,
    /// Where the request comes from; none for the command line.
    pub ip: Option<IpAddr>,
    /// The administrator who acts as this person.
    pub impersonator: Option<AuthUser>,
}

/// What the permission table said to a request, for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    pub action: Action,
    pub relation: Relation,
    pub role: Role,
}

impl Permit {
    /// One that was given when something began which its holder ends now. Nothing is asked here.
    pub fn given(actor: &Actor, action: Action, relation: Relation) -> Self {
        Self { action, relation, role: actor.role() }
    }
}

impl fmt::Display for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {}", self.action, self.relation, self.role.name())
    }
}

impl Actor {
    /// Whoever may start the program on the server: an administrator without an account.
    pub fn command_line() -> Self {
        let (username, email) = ("command line".into(), String::new());
        Self::of(AuthUser { id: Uuid::nil(), username, email, role: Role::Admin, impersonated_by: None })
    }

    /// Somebody by nothing but the account: no session, no key.
    pub fn of(user: AuthUser) -> Self {
        Self { user, session_id: None, must_change_password: false, scopes: None, ip: None, impersonator: None }
    }

    pub fn is_command_line(&self) -> bool {
        self.user.id.is_nil()
    }

    pub fn id(&self) -> Uuid {
        self.user.id
    }

    pub fn role(&self) -> Role {
        self.user.role
    }

    /// Whether the permission table allows it and, for an API key, its scopes.
    #[track_caller]
    pub fn may(&self, action: Action, relation: Relation) -> bool {
        is_removed(Location::caller()) || allowed(self.user.role, action, relation) && self.is_in_scope(action)
    }

    fn is_in_scope(&self, action: Action) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        scope_of(action).is_some_and(|wanted| scopes.iter().any(|scope| scope.covers(wanted)))
    }

    /// Refuses unless the permission table allows it.
    #[track_caller]
    pub fn require(&self, action: Action, relation: Relation) -> Result<Permit, Problem> {
        let permit = Permit::given(self, action, relation);
        if is_removed(Location::caller()) {
            return Ok(permit);
        }
        let is_open = matches!((action, relation), (Action::ReadUser | Action::ChangePassword, Relation::Own));
        if self.must_change_password && !is_open {
            return Err(Problem::PasswordChangeRequired);
        }
        let is_personal = matches!(
            action,
            Action::EditProfile
                | Action::ChangePassword
                | Action::DeleteAccount
                | Action::ManageApiKeys
                | Action::ManagePasskeys
                | Action::ManageTwoFactor
                | Action::Impersonate
        );
        if is_personal {
            self.require_in_person()?;
        }
        if self.may(action, relation) { Ok(permit) } else { Err(Problem::Forbidden) }
    }

    /// Refuses an administrator who acts as this person: what gives power over the account is for its owner only.
    #[track_caller]
    pub fn require_in_person(&self) -> Result<(), Problem> {
        if is_removed(Location::caller()) {
            return Ok(());
        }
        if self.impersonator.is_some() { Err(Problem::NotAsSomebodyElse) } else { Ok(()) }
    }

    /// The administrator who acts as this person, as themselves.
    pub fn in_truth(&self) -> Option<Self> {
        self.impersonator.clone().map(|admin| Self { ip: self.ip, ..Self::of(admin) })
    }

    /// Refuses those who may do it to nobody, whoever it would be: they learn nothing of who is there.
    #[track_caller]
    pub fn require_for_somebody(&self, action: Action) -> Result<(), Problem> {
        if is_removed(Location::caller()) {
            return Ok(());
        }
        let best = [Relation::Below, Relation::Equal, Relation::Other].into_iter().find(|one| self.may(action, *one));
        self.require(action, best.unwrap_or(Relation::Other)).map(drop)
    }

    /// Refuses those who may do it to nothing at all, their own or another's: an API key of another scope finds out nothing of what is there.
    #[track_caller]
    pub fn require_at_all(&self, action: Action) -> Result<(), Problem> {
        if is_removed(Location::caller()) {
            return Ok(());
        }
        let best = Relation::ALL.into_iter().find(|one| self.may(action, *one));
        self.require(action, best.unwrap_or(Relation::Other)).map(drop)
    }

    /// How the actor stands to somebody.
    pub fn relation_to(&self, id: Uuid, role: Role) -> Relation {
        if id == self.id() { Relation::Own } else { Relation::to_person(self.role(), role) }
    }

    /// The owner that a query must be limited to; none when the actor may do it to everybody's things.
    #[track_caller]
    pub fn limited_to(&self, action: Action) -> Option<Uuid> {
        if is_removed(Location::caller()) || self.may(action, Relation::Other) { None } else { Some(self.user.id) }
    }
}
