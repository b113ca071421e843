use serde::{Deserialize, Serialize};

use super::{Relation, Rule, table};
use crate::users::Role;

/// What an API key is good for, within what its owner's role allows. The own account is in no scope, nor is what gives power over others'.
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
    #[serde(rename = "users:read")]
    UsersRead,
    /// Includes `users:read`.
    #[serde(rename = "users:write")]
    UsersWrite,
    #[serde(rename = "audit:read")]
    AuditRead,
}

impl Scope {
    /// All scopes, in the order that forms show them.
    pub const ALL: &[Self] = &[
        Self::TasksRead,
        Self::TasksWrite,
        Self::QueueOperate,
        Self::SchedulesManage,
        Self::TaskTypesManage,
        Self::HealthRead,
        Self::NotesRead,
        Self::NotesWrite,
        Self::UsersRead,
        Self::UsersWrite,
        Self::AuditRead,
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
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::AuditRead => "audit:read",
        }
    }

    /// The scope of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.name() == name)
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
            Self::UsersRead => "See users and their figures",
            Self::UsersWrite => "Create, enable, disable and restore users, end sessions",
            Self::AuditRead => "See the audit log",
        }
    }

    /// Whether a key with this scope can do what asks for `wanted`: whoever writes something reads it as well.
    pub fn covers(self, wanted: Self) -> bool {
        let of_writing = self.name().strip_suffix(":write");
        self == wanted || of_writing.is_some() && of_writing == wanted.name().strip_suffix(":read")
    }

    /// Whether the role may do anything that is in this scope: with its own things, or to other people.
    pub fn is_open_to(self, role: Role) -> bool {
        let relation = if matches!(self, Self::UsersRead | Self::UsersWrite) { Relation::Below } else { Relation::Own };
        let is_open = |rule: &Rule| rule.from(relation).is_some_and(|from| role >= from);
        table().any(|rule| rule.scope == Some(self) && is_open(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_one_name_everywhere_and_is_open_to_who_may_use_it() {
        for &scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
            assert_eq!(Scope::by_name(scope.name()), Some(scope));
            assert!(scope.is_open_to(Role::Admin), "{scope:?} is of no use");
        }
        // A user has things of all kinds, and power over nobody.
        let not_of_a_user = [
            Scope::QueueOperate,
            Scope::SchedulesManage,
            Scope::TaskTypesManage,
            Scope::HealthRead,
            Scope::UsersRead,
            Scope::UsersWrite,
            Scope::AuditRead,
        ];
        for &scope in Scope::ALL {
            assert_eq!(scope.is_open_to(Role::User), !not_of_a_user.contains(&scope), "{scope:?}");
        }
        let of_a_moderator =
            [Scope::UsersRead, Scope::UsersWrite, Scope::AuditRead].map(|scope| scope.is_open_to(Role::Moderator));
        assert_eq!(of_a_moderator, [true, true, false]);
        for (write, read) in [
            (Scope::TasksWrite, Scope::TasksRead),
            (Scope::NotesWrite, Scope::NotesRead),
            (Scope::UsersWrite, Scope::UsersRead),
        ] {
            assert!(write.covers(read) && !read.covers(write));
        }
        assert!(!Scope::UsersWrite.covers(Scope::TasksRead));
    }
}
