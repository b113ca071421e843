//! The permission table: what a role may do with a thing of this relation. What is not listed is denied.

mod scope;

use serde::{Deserialize, Serialize};

use crate::users::Role;
pub use scope::Scope;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    CreateTask,
    /// Queue a task that deletes files of the server.
    CleanFiles,
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
    /// Change and pause the schedules by which the program looks after itself.
    ManageMaintenance,
    DefineTaskType,
    /// See where in the program an attempt failed, and the causes.
    ReadTraces,
    ReadHealthDetails,
    ReadUser,
    /// See the list of users; it shows those whom the reader may read.
    ListUsers,
    CreateUser,
    /// Change the own username or email.
    EditProfile,
    /// Change anybody's username or email, and say that the email is verified without a letter to it.
    EditUser,
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
    CreateNote,
    ReadNote,
    EditNote,
    /// Open a note to everybody, or close it again.
    PublishNote,
    DeleteNote,
    /// See and change with whom a note is shared.
    ShareNote,
    /// Give up a share that one was given.
    LeaveNote,
    /// Take a public note from the public, see those that are, and give them back.
    HideNote,
    /// See and tick off what one is told in the program.
    ReadNotifications,
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

/// How the actor stands to the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Relation {
    /// It belongs to the actor, or is the actor.
    Own,
    /// A person of a lower role.
    Below,
    /// Another person of the same role.
    Equal,
    /// Somebody else's, who lets the actor write in it.
    SharedWrite,
    /// Somebody else's, who lets the actor read it.
    SharedRead,
    /// Somebody else's, open to everybody who is signed in.
    Public,
    /// What belongs to somebody else, and people of a higher role.
    Other,
}

impl Relation {
    pub const ALL: [Self; 7] =
        [Self::Own, Self::Below, Self::Equal, Self::SharedWrite, Self::SharedRead, Self::Public, Self::Other];

    /// The head of its column, where the table is shown.
    pub fn title(self) -> &'static str {
        match self {
            Self::Own => "Own",
            Self::Below => "Lower role",
            Self::Equal => "Same role",
            Self::SharedWrite => "Shared to write",
            Self::SharedRead => "Shared to read",
            Self::Public => "Public",
            Self::Other => "Others",
        }
    }

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
    /// What an API key must be good for to do it; none means that no key ever does it.
    pub scope: Option<Scope>,
    own: Option<Role>,
    below: Option<Role>,
    equal: Option<Role>,
    shared_write: Option<Role>,
    shared_read: Option<Role>,
    public: Option<Role>,
    other: Option<Role>,
}

impl Rule {
    /// The lowest role that may do it in this relation; none when nobody may.
    pub fn from(&self, relation: Relation) -> Option<Role> {
        match relation {
            Relation::Own => self.own,
            Relation::Below => self.below,
            Relation::Equal => self.equal,
            Relation::SharedWrite => self.shared_write,
            Relation::SharedRead => self.shared_read,
            Relation::Public => self.public,
            Relation::Other => self.other,
        }
    }
}

pub(crate) const USER: Option<Role> = Some(Role::User);
pub(crate) const MODERATOR: Option<Role> = Some(Role::Moderator);
const ADMIN: Option<Role> = Some(Role::Admin);
pub(crate) const NOBODY: Option<Role> = None;

impl Rule {
    /// A rule about things, which have an owner but no role.
    pub const fn thing(action: Action, own: Option<Role>, other: Option<Role>) -> Self {
        Self {
            action,
            scope: None,
            own,
            below: other,
            equal: other,
            shared_write: other,
            shared_read: other,
            public: other,
            other,
        }
    }

    /// A rule about things that their owner can share and open to everybody. What is closed is nobody else's.
    pub const fn shared(
        action: Action,
        own: Option<Role>,
        shared_write: Option<Role>,
        shared_read: Option<Role>,
        public: Option<Role>,
    ) -> Self {
        Self {
            action,
            scope: None,
            own,
            below: NOBODY,
            equal: NOBODY,
            shared_write,
            shared_read,
            public,
            other: NOBODY,
        }
    }

    /// A rule about people.
    pub const fn person(
        action: Action,
        own: Option<Role>,
        below: Option<Role>,
        equal: Option<Role>,
        other: Option<Role>,
    ) -> Self {
        Self { action, scope: None, own, below, equal, shared_write: other, shared_read: other, public: other, other }
    }

    /// The same, and an API key of this scope does it as well.
    pub const fn by(self, scope: Scope) -> Self {
        Self { scope: Some(scope), ..self }
    }
}

const CORE: &[Rule] = &[
    Rule::thing(Action::CreateTask, USER, ADMIN).by(Scope::TasksWrite),
    Rule::thing(Action::CleanFiles, ADMIN, ADMIN).by(Scope::TasksWrite),
    Rule::thing(Action::ReadTask, USER, MODERATOR).by(Scope::TasksRead),
    Rule::thing(Action::CancelTask, USER, MODERATOR).by(Scope::TasksWrite),
    Rule::thing(Action::RetryTask, USER, MODERATOR).by(Scope::TasksWrite),
    Rule::thing(Action::DeleteTask, USER, MODERATOR).by(Scope::TasksWrite),
    Rule::thing(Action::OperateQueue, MODERATOR, MODERATOR).by(Scope::QueueOperate),
    Rule::thing(Action::ManageSchedules, MODERATOR, MODERATOR).by(Scope::SchedulesManage),
    Rule::thing(Action::ManageMaintenance, ADMIN, ADMIN).by(Scope::SchedulesManage),
    Rule::thing(Action::ReadTraces, ADMIN, ADMIN).by(Scope::TasksRead),
    Rule::thing(Action::DefineTaskType, ADMIN, ADMIN).by(Scope::TaskTypesManage),
    Rule::thing(Action::ReadTaskStats, MODERATOR, MODERATOR).by(Scope::TasksRead),
    Rule::thing(Action::ReadHealthDetails, ADMIN, ADMIN).by(Scope::HealthRead),
    Rule::thing(Action::ListUsers, MODERATOR, MODERATOR).by(Scope::UsersRead),
    Rule::thing(Action::CreateUser, ADMIN, ADMIN).by(Scope::UsersWrite),
    Rule::thing(Action::ReadUserStats, ADMIN, ADMIN).by(Scope::UsersRead),
    Rule::thing(Action::ReadAuditLog, ADMIN, ADMIN).by(Scope::AuditRead),
    Rule::person(Action::ReadUser, USER, MODERATOR, MODERATOR, ADMIN).by(Scope::UsersRead),
    Rule::person(Action::SetUserStatus, NOBODY, MODERATOR, ADMIN, ADMIN).by(Scope::UsersWrite),
    Rule::person(Action::EndSessions, USER, MODERATOR, ADMIN, ADMIN).by(Scope::UsersWrite),
    Rule::person(Action::RestoreUser, NOBODY, ADMIN, ADMIN, ADMIN).by(Scope::UsersWrite),
    // The own account is its owner's, in person.
    Rule::thing(Action::ManageApiKeys, USER, NOBODY),
    Rule::thing(Action::ManagePasskeys, USER, NOBODY),
    Rule::person(Action::EditProfile, USER, NOBODY, NOBODY, NOBODY),
    Rule::person(Action::ChangePassword, USER, NOBODY, NOBODY, NOBODY),
    Rule::person(Action::ManageTwoFactor, USER, NOBODY, NOBODY, NOBODY),
    Rule::person(Action::DeleteAccount, USER, NOBODY, NOBODY, NOBODY),
    // What gives power over somebody's account, or takes it away for good: a key that got lost must not be worth that. An email is the way
    // to a new password, and a role is the way to everything.
    Rule::thing(Action::RotateEncryptionKey, ADMIN, ADMIN),
    Rule::person(Action::EditUser, ADMIN, ADMIN, ADMIN, ADMIN),
    Rule::person(Action::ResetPassword, NOBODY, MODERATOR, ADMIN, ADMIN),
    Rule::person(Action::ResetTwoFactor, NOBODY, MODERATOR, ADMIN, ADMIN),
    Rule::person(Action::SetUserRole, ADMIN, ADMIN, ADMIN, ADMIN),
    Rule::person(Action::DeleteUser, ADMIN, ADMIN, ADMIN, ADMIN),
    Rule::person(Action::Impersonate, NOBODY, ADMIN, NOBODY, NOBODY),
];

/// The rules of what can be taken out of the program.
const FEATURES: &[&[Rule]] = &[
    // One a line.
    crate::notes::RULES,
    crate::notifications::RULES,
];

/// The whole table; services refuse by it, pages hide by it, tests try every cell of it.
pub fn table() -> impl Iterator<Item = &'static Rule> {
    CORE.iter().chain(FEATURES.iter().copied().flatten())
}

/// The rule that allows `role` to do `action` to a thing that stands in `relation` to the actor.
pub fn rule(role: Role, action: Action, relation: Relation) -> Option<&'static Rule> {
    let rule = table().find(|rule| rule.action == action)?;
    (role >= rule.from(relation)?).then_some(rule)
}

/// What an API key must be good for to do it; none means that no key ever does it.
pub fn scope_of(action: Action) -> Option<Scope> {
    table().find(|rule| rule.action == action)?.scope
}

/// Whether `role` may do `action` to a thing that stands in `relation` to the actor.
pub fn allowed(role: Role, action: Action, relation: Relation) -> bool {
    rule(role, action, relation).is_some()
}

/// The table as Markdown, for the documentation and the command line.
pub fn as_markdown() -> String {
    let titles = Relation::ALL.map(Relation::title).join(" | ");
    let mut text = format!("| Action | {titles} | API key |\n|---|{}---|\n", "---|".repeat(Relation::ALL.len()));
    for rule in table() {
        let cells = Relation::ALL.map(|relation| rule.from(relation).map_or("nobody", Role::name));
        let scope = rule.scope.map_or("in person".to_owned(), |scope| format!("`{}`", scope.name()));
        text.push_str(&format!("| {:?} | {} | {scope} |\n", rule.action, cells.join(" | ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_has_one_row_and_a_stranger_needs_no_less_than_somebody_below() {
        for rule in table() {
            assert_eq!(table().filter(|other| other.action == rule.action).count(), 1, "{:?}", rule.action);
            let least = |role: Option<Role>| role.map_or(usize::MAX, |role| role as usize);
            assert!(
                least(rule.below) <= least(rule.equal) && least(rule.equal) <= least(rule.other),
                "{:?}",
                rule.action
            );
            let is_order = least(rule.shared_write) <= least(rule.shared_read)
                && least(rule.shared_read) <= least(rule.public)
                && least(rule.public) <= least(rule.other);
            assert!(is_order, "{:?}", rule.action);
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
