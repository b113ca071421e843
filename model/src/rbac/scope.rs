use serde::{Deserialize, Serialize};

use super::{Relation, TABLE};
use crate::users::Role;

/// What an API key is good for, within what its owner's role allows. Accounts are in no scope: no key reaches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scope {
    #[serde(rename = "tasks:read")]
    TasksRead,
    /// Includes `tasks:read`.
    #[serde(rename = "tasks:write")]
    TasksWrite,
    #[serde(rename = "queue:operate")]
    QueueOperate,
    #[serde(rename = "schedules:manage")]
    SchedulesManage,
    #[serde(rename = "task-types:manage")]
    TaskTypesManage,
    #[serde(rename = "health:read")]
    HealthRead,
    #[serde(rename = "notes:read")]
    NotesRead,
    /// Includes `notes:read`.
    #[serde(rename = "notes:write")]
    NotesWrite,
}

impl Scope {
    /// All scopes, in the order that forms show them.
    pub const ALL: [Self; 8] = [
        Self::TasksRead,
        Self::TasksWrite,
        Self::QueueOperate,
        Self::SchedulesManage,
        Self::TaskTypesManage,
        Self::HealthRead,
        Self::NotesRead,
        Self::NotesWrite,
    ];

    /// The word on the wire, in the database and in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::TasksRead => "tasks:read",
            Self::TasksWrite => "tasks:write",
            Self::QueueOperate => "queue:operate",
            Self::SchedulesManage => "schedules:manage",
            Self::TaskTypesManage => "task-types:manage",
            Self::HealthRead => "health:read",
            Self::NotesRead => "notes:read",
            Self::NotesWrite => "notes:write",
        }
    }

    /// The scope of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// What it lets a program do, in words.
    pub fn description(self) -> &'static str {
        match self {
            Self::TasksRead => "See tasks and their figures",
            Self::TasksWrite => "Queue, cancel, retry and delete tasks, and see them",
            Self::QueueOperate => "Watch the queue, pause types, act on many tasks",
            Self::SchedulesManage => "Make, change, fire and delete schedules",
            Self::TaskTypesManage => "Define task types",
            Self::HealthRead => "See the figures of the health checks",
            Self::NotesRead => "See notes: own, shared and public ones",
            Self::NotesWrite => "Write, share and delete notes, and see them",
        }
    }

    /// Whether a key with this scope can do what asks for `wanted`.
    pub fn covers(self, wanted: Self) -> bool {
        self == wanted
            || matches!((self, wanted), (Self::TasksWrite, Self::TasksRead) | (Self::NotesWrite, Self::NotesRead))
    }

    /// Whether the role may do anything that is in this scope.
    pub fn is_open_to(self, role: Role) -> bool {
        TABLE
            .iter()
            .any(|rule| rule.action.scope() == Some(self) && rule.from(Relation::Own).is_some_and(|from| role >= from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_one_name_everywhere_and_is_open_to_who_may_use_it() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
            assert_eq!(Scope::by_name(scope.name()), Some(scope));
            assert!(scope.is_open_to(Role::Admin), "{scope:?} is of no use");
        }
        let of_a_user: Vec<_> = Scope::ALL.into_iter().filter(|scope| scope.is_open_to(Role::User)).collect();
        assert_eq!(of_a_user, [Scope::TasksRead, Scope::TasksWrite, Scope::NotesRead, Scope::NotesWrite]);
        assert!(Scope::NotesWrite.covers(Scope::NotesRead) && !Scope::NotesWrite.covers(Scope::TasksRead));
        assert!(Scope::TasksWrite.covers(Scope::TasksRead) && !Scope::TasksRead.covers(Scope::TasksWrite));
    }
}
