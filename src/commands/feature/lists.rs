//! Where features are wired. A feature has lines of its own in these files, each of which names it.

/// What each feature has a line in: a module, a route, an entry of a list.
pub const LISTS: &[&str] = &[
    "app/src/layout.rs",
    "app/src/lib.rs",
    "app/src/palette.rs",
    "app/src/tasks/live.rs",
    "app/src/ui/done.rs",
    "model/src/lib.rs",
    "model/src/rbac.rs",
    "server/src/config/load.rs",
    "server/src/config/mod.rs",
    "server/src/lib.rs",
    "server/src/mail/letter.rs",
    "server/src/tasks/kinds/maintenance.rs",
    "server/src/tasks/kinds/mod.rs",
    "src/web.rs",
    "src/web/api_docs.rs",
    "style/main.css",
    "tests/all/commands.rs",
    "tests/all/main.rs",
    "tests/all/matrix/mod.rs",
    "tests/all/matrix/world.rs",
    "tests/all/people.rs",
    "tests/all/support/mod.rs",
    "tests/schemathesis/hooks.py",
];

/// An enum of which features bring words.
pub struct Enum {
    pub name: &'static str,
    /// Where it is declared, and its words get what belongs to them.
    pub declared: &'static str,
    /// Where else there may be a line about a word of a feature.
    pub also: &'static [&'static str],
}

const fn words(name: &'static str, declared: &'static str) -> Enum {
    Enum { name, declared, also: &[] }
}

/// All of them.
pub const ENUMS: &[Enum] = &[
    words("Action", "model/src/rbac.rs"),
    words("Scope", "model/src/rbac/scope.rs"),
    Enum { name: "Thing", declared: "model/src/problem.rs", also: &["app/src/ui/states.rs"] },
    words("Topic", "model/src/live.rs"),
    words("Subject", "server/src/audit/mod.rs"),
    words("Letter", "server/src/mail/letter.rs"),
    words("Limit", "server/src/auth/limits.rs"),
];
