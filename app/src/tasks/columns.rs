//! Which columns a list of tasks has. Those that somebody chose are in the address of the page.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use model::rbac::{Action, Relation, allowed};
use model::users::Role;

/// The name of a column in the address, once for each.
const PARAMETER: &str = "column";

/// A column beside the name of the task, which is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    State,
    Priority,
    Attempts,
    Owner,
    Created,
    Started,
    Ended,
    Error,
}

impl Column {
    const ALL: [Self; 8] = [
        Self::State,
        Self::Priority,
        Self::Attempts,
        Self::Owner,
        Self::Created,
        Self::Started,
        Self::Ended,
        Self::Error,
    ];

    /// The word in the address.
    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Priority => "priority",
            Self::Attempts => "attempts",
            Self::Owner => "owner",
            Self::Created => "created",
            Self::Started => "started",
            Self::Ended => "ended",
            Self::Error => "error",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::State => "State",
            Self::Priority => "Priority",
            Self::Attempts => "Attempts",
            Self::Owner => "Owner",
            Self::Created => "Created",
            Self::Started => "Started",
            Self::Ended => "Ended",
            Self::Error => "Last error",
        }
    }

    /// Whose task it is says something to those only who see the tasks of others.
    fn is_for(self, role: Role) -> bool {
        self != Self::Owner || allowed(role, Action::ReadTask, Relation::Other)
    }

    /// All that a role may choose from, in the order of the table.
    fn choices(role: Role) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |column| column.is_for(role))
    }

    /// Those of a list where nobody has chosen.
    pub fn standard(role: Role) -> Vec<Self> {
        Self::choices(role).filter(|column| !matches!(column, Self::Started | Self::Ended | Self::Error)).collect()
    }
}

/// What the address asks for; the standard ones when it names none that there is.
pub(super) fn read(query: &ParamsMap, role: Role) -> Vec<Column> {
    let named = query.get_all(PARAMETER).unwrap_or_default();
    let chosen: Vec<_> =
        Column::choices(role).filter(|column| named.iter().any(|name| name == column.name())).collect();
    if chosen.is_empty() { Column::standard(role) } else { chosen }
}

/// As [`read`] finds them in an address; nothing for the standard ones.
pub(super) fn pairs(columns: &[Column], role: Role) -> Vec<(&'static str, String)> {
    let is_standard = columns == Column::standard(role);
    columns.iter().filter(|_| !is_standard).map(|column| (PARAMETER, column.name().to_owned())).collect()
}

/// A box to tick for each, as a part of the form that filters.
#[component]
pub(super) fn Choice(shown: Vec<Column>, role: Role) -> impl IntoView {
    let tick = |column: Column| {
        let is_shown = shown.contains(&column);
        view! {
            <label><input type="checkbox" name=PARAMETER value=column.name() checked=is_shown/>" "{column.title()}</label>
        }
    };
    let ticks = Column::choices(role).map(tick).collect_view();
    let is_chosen = shown != Column::standard(role);
    view! {
        <details class="more" open=is_chosen>
            <summary>"Columns"</summary>
            <fieldset class="ticks">
                <legend class="sr-only">"Columns"</legend>
                {ticks}
            </fieldset>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(columns: &[Column], role: Role) -> Vec<Column> {
        let mut query = ParamsMap::new();
        for (name, value) in pairs(columns, role) {
            query.insert(name, value);
        }
        read(&query, role)
    }

    #[test]
    fn columns_survive_their_address() {
        for chosen in [vec![Column::Owner, Column::Error], Column::standard(Role::Moderator), Column::ALL.into()] {
            assert_eq!(read_back(&chosen, Role::Moderator), chosen);
        }
    }

    #[test]
    fn the_owner_is_for_those_who_see_other_peoples_tasks() {
        assert_eq!(read_back(&[Column::Owner, Column::Error], Role::User), [Column::Error]);
        assert_eq!(read_back(&[Column::Owner], Role::User), Column::standard(Role::User));
        assert!(!Column::standard(Role::User).contains(&Column::Owner));
    }
}
