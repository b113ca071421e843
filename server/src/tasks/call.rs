//! A call for work, and of which types: a worker asks only for those, because each type that it asks for costs the claim something.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Types that a call names. One for more is for all: a notification holds 8000 bytes at most.
const NAMED_AT_MOST: usize = 16;

/// The types of which tasks may be ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// By name.
    Types(BTreeSet<String>),
    All,
    /// All, and some may stand where they stood before, among what has been read already.
    Again,
}

impl Default for Call {
    /// For nothing.
    fn default() -> Self {
        Self::Types(BTreeSet::new())
    }
}

impl Call {
    pub fn types(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut call = Self::default();
        call.add(Self::Types(names.into_iter().map(Into::into).collect()));
        call
    }

    /// What both call for.
    pub fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Types(names), Self::Types(more)) => {
                names.extend(more);
                if names.len() > NAMED_AT_MOST {
                    *self = Self::All;
                }
            }
            (Self::Again, _) | (Self::All, Self::Types(_)) => {}
            (_, wider) => *self = wider,
        }
    }

    pub fn is_for(&self, name: &str) -> bool {
        match self {
            Self::Types(names) => names.contains(name),
            Self::All | Self::Again => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_together_are_for_what_each_is_for() {
        let mut call = Call::types(["email"]);
        call.add(Call::types(["webhook", "email"]));
        assert!(call.is_for("email") && call.is_for("webhook") && !call.is_for("delay_task"));
        call.add(Call::All);
        call.add(Call::types(["email"]));
        assert!(call.is_for("delay_task"));
        call.add(Call::Again);
        call.add(Call::All);
        assert_eq!(call, Call::Again);
    }

    #[test]
    fn a_call_for_many_types_is_for_all_and_fits_a_notification() {
        let name = |number: usize| format!("{number:0>100}");
        let some = Call::types((0..NAMED_AT_MOST).map(name));
        assert!(!some.is_for("email") && serde_json::to_string(&some).unwrap().len() < 8000);
        assert_eq!(Call::types((0..=NAMED_AT_MOST).map(name)), Call::All);
    }
}
