//! Who acts, and the one place where a service refuses by role.

use model::Problem;
use model::auth::AuthUser;
use model::rbac::{Action, Relation, Scope, allowed};
use model::users::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The person behind a request, as the services see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Actor {
    pub user: AuthUser,
    /// The session that the request came with; none for an API key and for the command line.
    pub session_id: Option<Uuid>,
    /// What the request's API key is good for; none when it came by no key, and all that the role allows is open.
    pub scopes: Option<Vec<Scope>>,
}

impl Actor {
    pub fn id(&self) -> Uuid {
        self.user.id
    }

    pub fn role(&self) -> Role {
        self.user.role
    }

    /// Whether the permission table allows it and, for an API key, its scopes.
    pub fn may(&self, action: Action, relation: Relation) -> bool {
        allowed(self.user.role, action, relation) && self.is_in_scope(action)
    }

    fn is_in_scope(&self, action: Action) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        action.scope().is_some_and(|wanted| scopes.iter().any(|scope| scope.covers(wanted)))
    }

    /// Refuses unless the permission table allows it.
    pub fn require(&self, action: Action, relation: Relation) -> Result<(), Problem> {
        if self.may(action, relation) { Ok(()) } else { Err(Problem::Forbidden) }
    }

    /// The owner that a query must be limited to; none when the actor may do it to everybody's things.
    pub fn limited_to(&self, action: Action) -> Option<Uuid> {
        if self.may(action, Relation::Other) { None } else { Some(self.user.id) }
    }
}
