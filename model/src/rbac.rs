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
    ReadUser,
    /// See the list of users; it shows those whom the reader may read.
    ListUsers,
    CreateUser,
    /// Change the own username or email.
    EditProfile,
    /// Change anybody's username or email.
    EditUser,
    /// Say that an email is verified without a mail to it.
    VerifyEmail,
    /// Change the password, knowing the current one.
    ChangePassword,
    /// Set somebody's password without knowing the current one.
    ResetPassword,
    /// Let somebody log in, or not.
    SetUserStatus,
    SetUserRole,
    EndSessions,
    DeleteAccount,
    DeleteUser,
    RestoreUser,
    ReadUserStats,
    ReadAuditLog,
    ManageApiKeys,
    ManagePasskeys,
    /// Switch the own second factor on and off.
    ManageTwoFactor,
    /// Take the second factor of somebody away who has lost it.
    ResetTwoFactor,
    /// Encrypt the secrets of all second factors anew.
    RotateEncryptionKey,
    /// Sign in as somebody else for a while.
    Impersonate,
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
            Self::ReadUser | Self::ListUsers | Self::ReadUserStats => Some(Scope::UsersRead),
            Self::CreateUser | Self::SetUserStatus | Self::EndSessions | Self::RestoreUser => Some(Scope::UsersWrite),
            Self::ReadAuditLog => Some(Scope::AuditRead),
            // The own account is its owner's, in person.
            Self::EditProfile
            | Self::ChangePassword
            | Self::DeleteAccount
            | Self::ManageApiKeys
            | Self::ManagePasskeys
            | Self::ManageTwoFactor => None,
            // What gives power over somebody's account, or takes it away for good: a key that got lost must not be worth that. An email is
            // the way to a new password, and a role is the way to everything.
            Self::EditUser
            | Self::VerifyEmail
            | Self::ResetPassword
            | Self::ResetTwoFactor
            | Self::RotateEncryptionKey
            | Self::SetUserRole
            | Self::DeleteUser
            | Self::Impersonate => None,
        }
    }
}

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
    pub const ALL: [Self; 9] = [
        Self::TasksRead,
        Self::TasksWrite,
        Self::QueueOperate,
        Self::SchedulesManage,
        Self::TaskTypesManage,
        Self::HealthRead,
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
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::AuditRead => "audit:read",
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
            Self::UsersRead => "See users and their figures",
            Self::UsersWrite => "Create, enable, disable and restore users, end sessions",
            Self::AuditRead => "See the audit log",
        }
    }

    /// Whether a key with this scope can do what asks for `wanted`.
    pub fn covers(self, wanted: Self) -> bool {
        self == wanted
            || matches!((self, wanted), (Self::TasksWrite, Self::TasksRead) | (Self::UsersWrite, Self::UsersRead))
    }

    /// Whether the role may do anything that is in this scope: with its own things, or to other people.
    pub fn is_open_to(self, role: Role) -> bool {
        let relation = if matches!(self, Self::UsersRead | Self::UsersWrite) { Relation::Below } else { Relation::Own };
        let is_open = |rule: &Rule| rule.from(relation).is_some_and(|from| role >= from);
        TABLE.iter().any(|rule| rule.action.scope() == Some(self) && is_open(rule))
    }
}

/// How the actor stands to the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It belongs to the actor, or is the actor.
    Own,
    /// A person of a lower role.
    Below,
    /// Another person of the same role.
    Equal,
    /// What belongs to somebody else, and people of a higher role.
    Other,
}

impl Relation {
    pub const ALL: [Self; 4] = [Self::Own, Self::Below, Self::Equal, Self::Other];

    /// How one of `role` stands to another person of `subject`.
    pub fn to_person(role: Role, subject: Role) -> Self {
        match subject.cmp(&role) {
            std::cmp::Ordering::Less => Self::Below,
            std::cmp::Ordering::Equal => Self::Equal,
            std::cmp::Ordering::Greater => Self::Other,
        }
    }
}

/// One row of the table: the lowest role that may do it in each relation; none where nobody may.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub action: Action,
    own: Option<Role>,
    below: Option<Role>,
    equal: Option<Role>,
    other: Option<Role>,
}

impl Rule {
    /// The lowest role that may do it in this relation; none when nobody may.
    pub fn from(&self, relation: Relation) -> Option<Role> {
        match relation {
            Relation::Own => self.own,
            Relation::Below => self.below,
            Relation::Equal => self.equal,
            Relation::Other => self.other,
        }
    }
}

const USER: Option<Role> = Some(Role::User);
const MODERATOR: Option<Role> = Some(Role::Moderator);
const ADMIN: Option<Role> = Some(Role::Admin);
const NOBODY: Option<Role> = None;

/// A rule about things, which have an owner but no role.
const fn thing(action: Action, own: Option<Role>, other: Option<Role>) -> Rule {
    Rule { action, own, below: other, equal: other, other }
}

/// A rule about people.
const fn person(
    action: Action,
    own: Option<Role>,
    below: Option<Role>,
    equal: Option<Role>,
    other: Option<Role>,
) -> Rule {
    Rule { action, own, below, equal, other }
}

/// The whole table; services refuse by it, pages hide by it, tests try every cell of it.
pub const TABLE: [Rule; 32] = [
    thing(Action::CreateTask, USER, ADMIN),
    thing(Action::ReadTask, USER, MODERATOR),
    thing(Action::CancelTask, USER, MODERATOR),
    thing(Action::RetryTask, USER, MODERATOR),
    thing(Action::DeleteTask, USER, MODERATOR),
    thing(Action::OperateQueue, MODERATOR, MODERATOR),
    thing(Action::ManageSchedules, MODERATOR, MODERATOR),
    thing(Action::DefineTaskType, ADMIN, ADMIN),
    thing(Action::ReadTaskStats, MODERATOR, MODERATOR),
    thing(Action::ReadHealthDetails, ADMIN, ADMIN),
    thing(Action::ManageApiKeys, USER, NOBODY),
    thing(Action::ManagePasskeys, USER, NOBODY),
    thing(Action::ListUsers, MODERATOR, MODERATOR),
    thing(Action::CreateUser, ADMIN, ADMIN),
    thing(Action::ReadUserStats, ADMIN, ADMIN),
    thing(Action::ReadAuditLog, ADMIN, ADMIN),
    thing(Action::RotateEncryptionKey, ADMIN, ADMIN),
    person(Action::ReadUser, USER, MODERATOR, MODERATOR, ADMIN),
    person(Action::EditProfile, USER, NOBODY, NOBODY, NOBODY),
    person(Action::EditUser, ADMIN, ADMIN, ADMIN, ADMIN),
    person(Action::VerifyEmail, ADMIN, ADMIN, ADMIN, ADMIN),
    person(Action::ChangePassword, USER, NOBODY, NOBODY, NOBODY),
    person(Action::ResetPassword, NOBODY, MODERATOR, ADMIN, ADMIN),
    person(Action::ManageTwoFactor, USER, NOBODY, NOBODY, NOBODY),
    person(Action::ResetTwoFactor, NOBODY, MODERATOR, ADMIN, ADMIN),
    person(Action::SetUserStatus, NOBODY, MODERATOR, ADMIN, ADMIN),
    person(Action::SetUserRole, ADMIN, ADMIN, ADMIN, ADMIN),
    person(Action::EndSessions, USER, MODERATOR, ADMIN, ADMIN),
    person(Action::DeleteAccount, USER, NOBODY, NOBODY, NOBODY),
    person(Action::DeleteUser, ADMIN, ADMIN, ADMIN, ADMIN),
    person(Action::RestoreUser, NOBODY, ADMIN, ADMIN, ADMIN),
    person(Action::Impersonate, NOBODY, ADMIN, NOBODY, NOBODY),
];

/// The rule that allows `role` to do `action` to a thing that stands in `relation` to the actor.
pub fn rule(role: Role, action: Action, relation: Relation) -> Option<&'static Rule> {
    let rule = TABLE.iter().find(|rule| rule.action == action)?;
    (role >= rule.from(relation)?).then_some(rule)
}

/// Whether `role` may do `action` to a thing that stands in `relation` to the actor.
pub fn allowed(role: Role, action: Action, relation: Relation) -> bool {
    rule(role, action, relation).is_some()
}

/// The table as Markdown, for the documentation and the command line.
pub fn as_markdown() -> String {
    let mut text =
        String::from("| Action | Own | Lower role | Same role | Others | API key |\n|---|---|---|---|---|---|\n");
    for rule in &TABLE {
        let cells = Relation::ALL.map(|relation| rule.from(relation).map_or("nobody", Role::name));
        let scope = rule.action.scope().map_or("in person".to_owned(), |scope| format!("`{}`", scope.name()));
        text.push_str(&format!("| {:?} | {} | {scope} |\n", rule.action, cells.join(" | ")));
    }
    text
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
        let of_a_moderator =
            [Scope::UsersRead, Scope::UsersWrite, Scope::AuditRead].map(|scope| scope.is_open_to(Role::Moderator));
        assert_eq!(of_a_moderator, [true, true, false]);
        for (write, read) in [(Scope::TasksWrite, Scope::TasksRead), (Scope::UsersWrite, Scope::UsersRead)] {
            assert!(write.covers(read) && !read.covers(write));
        }
        assert!(!Scope::UsersWrite.covers(Scope::TasksRead));
    }

    #[test]
    fn each_action_has_one_row_and_a_stranger_needs_no_less_than_somebody_below() {
        for rule in &TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.action == rule.action).count(), 1, "{:?}", rule.action);
            let least = |role: Option<Role>| role.map_or(usize::MAX, |role| role as usize);
            assert!(
                least(rule.below) <= least(rule.equal) && least(rule.equal) <= least(rule.other),
                "{:?}",
                rule.action
            );
        }
    }

    #[test]
    fn a_user_reads_own_tasks_only_and_a_moderator_reads_all() {
        assert!(allowed(Role::User, Action::ReadTask, Relation::Own));
        assert!(!allowed(Role::User, Action::ReadTask, Relation::Other));
        assert!(allowed(Role::Moderator, Action::ReadTask, Relation::Other));
        assert!(!allowed(Role::Moderator, Action::ReadHealthDetails, Relation::Own));
    }

    #[test]
    fn a_moderator_acts_on_nobody_of_the_same_or_a_higher_role() {
        for action in [Action::ResetPassword, Action::ResetTwoFactor, Action::SetUserStatus, Action::EndSessions] {
            assert!(allowed(Role::Moderator, action, Relation::Below), "{action:?}");
            for relation in [Relation::Equal, Relation::Other] {
                assert!(!allowed(Role::Moderator, action, relation), "{action:?}");
            }
        }
        assert_eq!(Relation::to_person(Role::Moderator, Role::User), Relation::Below);
        assert_eq!(Relation::to_person(Role::Moderator, Role::Admin), Relation::Other);
    }
}
