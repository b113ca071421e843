//! The permission table: what a role may do with a thing of this relation. What is not listed is denied.

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
