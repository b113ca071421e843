//! The permission table: what a role may do with a thing of this relation. What is not listed is denied.

use serde::{Deserialize, Serialize};

use crate::users::Role;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    CreateTask,
    ReadTask,
    CancelTask,
    /// Replay a task from the dead letter.
    RetryTask,
    /// Delete a task that has ended.
    DeleteTask,
    ReadTaskStats,
    /// Watch the queue, pause types, set breakers, and act on many tasks at once.
    OperateQueue,
    /// Make, change, fire and delete schedules.
    ManageSchedules,
    DefineTaskType,
    ReadHealthDetails,
}

impl Action {
    /// What an API key must be good for to do it; none means that no key ever does it.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Self::ReadTask | Self::ReadTaskStats => Some(Scope::TasksRead),
            Self::CreateTask | Self::CancelTask | Self::RetryTask | Self::DeleteTask => Some(Scope::TasksWrite),
            Self::OperateQueue => Some(Scope::QueueOperate),
            Self::ManageSchedules => Some(Scope::SchedulesManage),
            Self::DefineTaskType => Some(Scope::TaskTypesManage),
            Self::ReadHealthDetails => Some(Scope::HealthRead),
        }
    }
}

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
}

impl Scope {
    /// All scopes, in the order that forms show them.
    pub const ALL: [Self; 6] = [
        Self::TasksRead,
        Self::TasksWrite,
        Self::QueueOperate,
        Self::SchedulesManage,
        Self::TaskTypesManage,
        Self::HealthRead,
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
        }
    }

    /// Whether a key with this scope can do what asks for `wanted`.
    pub fn covers(self, wanted: Self) -> bool {
        self == wanted || (self == Self::TasksWrite && wanted == Self::TasksRead)
    }

    /// Whether the role may do anything that is in this scope.
    pub fn is_open_to(self, role: Role) -> bool {
        TABLE.iter().any(|rule| rule.action.scope() == Some(self) && role >= rule.own_from)
    }
}

/// How the actor stands to the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    Own,
    Other,
}

/// One row of the table: from this role on, the action is allowed on own and, from another role on, on others' things.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub action: Action,
    pub own_from: Role,
    pub other_from: Role,
}

/// The whole table; services refuse by it, pages hide by it, tests try every cell of it.
pub const TABLE: [Rule; 10] = [
    Rule { action: Action::CreateTask, own_from: Role::User, other_from: Role::Admin },
    Rule { action: Action::ReadTask, own_from: Role::User, other_from: Role::Moderator },
    Rule { action: Action::CancelTask, own_from: Role::User, other_from: Role::Moderator },
    Rule { action: Action::RetryTask, own_from: Role::User, other_from: Role::Moderator },
    Rule { action: Action::DeleteTask, own_from: Role::User, other_from: Role::Moderator },
    Rule { action: Action::OperateQueue, own_from: Role::Moderator, other_from: Role::Moderator },
    Rule { action: Action::ManageSchedules, own_from: Role::Moderator, other_from: Role::Moderator },
    Rule { action: Action::DefineTaskType, own_from: Role::Admin, other_from: Role::Admin },
    Rule { action: Action::ReadTaskStats, own_from: Role::Moderator, other_from: Role::Moderator },
    Rule { action: Action::ReadHealthDetails, own_from: Role::Admin, other_from: Role::Admin },
];

/// Whether `role` may do `action` to a thing that stands in `relation` to the actor.
pub fn allowed(role: Role, action: Action, relation: Relation) -> bool {
    TABLE.iter().find(|rule| rule.action == action).is_some_and(|rule| match relation {
        Relation::Own => role >= rule.own_from,
        Relation::Other => role >= rule.other_from,
    })
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
        assert_eq!(of_a_user, [Scope::TasksRead, Scope::TasksWrite]);
        assert!(Scope::TasksWrite.covers(Scope::TasksRead) && !Scope::TasksRead.covers(Scope::TasksWrite));
    }

    #[test]
    fn each_action_has_one_row_and_others_need_no_less_than_own() {
        for rule in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.action == rule.action).count(), 1, "{:?}", rule.action);
            assert!(rule.other_from >= rule.own_from, "{:?}", rule.action);
        }
    }

    #[test]
    fn a_user_reads_own_tasks_only_and_a_moderator_reads_all() {
        assert!(allowed(Role::User, Action::ReadTask, Relation::Own));
        assert!(!allowed(Role::User, Action::ReadTask, Relation::Other));
        assert!(allowed(Role::Moderator, Action::ReadTask, Relation::Other));
        assert!(!allowed(Role::Moderator, Action::ReadHealthDetails, Relation::Own));
    }
}
