//! Who may do what with a note.

use crate::rbac::{Action, MODERATOR, NOBODY, Rule, Scope, USER};

/// The rows of notes in the permission table.
pub const RULES: &[Rule] = &[
    Rule::thing(Action::CreateNote, USER, NOBODY).by(Scope::NotesWrite),
    Rule::shared(Action::ReadNote, USER, USER, USER, USER).by(Scope::NotesRead),
    Rule::shared(Action::EditNote, USER, USER, NOBODY, NOBODY).by(Scope::NotesWrite),
    Rule::shared(Action::PublishNote, USER, NOBODY, NOBODY, NOBODY).by(Scope::NotesWrite),
    Rule::shared(Action::DeleteNote, USER, NOBODY, NOBODY, NOBODY).by(Scope::NotesWrite),
    Rule::shared(Action::ShareNote, USER, NOBODY, NOBODY, NOBODY).by(Scope::NotesWrite),
    Rule::shared(Action::LeaveNote, NOBODY, USER, USER, NOBODY).by(Scope::NotesWrite),
    // Whoever judges what others wrote does that in person.
    Rule::shared(Action::HideNote, MODERATOR, MODERATOR, MODERATOR, MODERATOR),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::{Relation, allowed};
    use crate::users::Role;

    #[test]
    fn nobody_reads_a_strangers_note_and_only_its_owner_opens_shares_and_deletes_it() {
        let of_the_owner = [Action::PublishNote, Action::DeleteNote, Action::ShareNote];
        for role in Role::ALL {
            assert!(!allowed(role, Action::ReadNote, Relation::Other), "{role:?}");
            for relation in Relation::ALL {
                let may = of_the_owner.map(|action| allowed(role, action, relation));
                assert_eq!(may, [relation == Relation::Own; 3], "{role:?} {relation:?}");
            }
        }
    }
}
