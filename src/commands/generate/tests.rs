use super::*;

fn checkout() -> Checkout {
    Checkout::at(PathBuf::from(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn feature(name: &str) -> Feature {
    let fields = ["title:string", "pages:int?"].map(str::to_owned).to_vec();
    Feature { name: name.to_owned(), fields, singular: None, dry_run: true, force: false }
}

#[test]
fn every_list_has_the_place_that_a_new_feature_is_put_into() {
    let draft = drafted(&checkout(), &feature("gadget_parts")).unwrap().to_string();
    for part in [
        "file  model/src/gadget_parts.rs",
        "file  server/src/gadget_parts/rows.rs",
        "_gadget_parts.sql (",
        "line  model/src/lib.rs: pub mod gadget_parts;",
        "line  model/src/rbac.rs: CreateGadgetPart,",
        "line  app/src/lib.rs: <Route path=path!(\"/gadget-parts/:id/edit\") view=EditGadgetPartPage",
        "line  tests/all/commands.rs: \"put /api/v1/gadget-parts/{id}\",",
    ] {
        assert!(draft.contains(part), "{part}: {draft}");
    }
}

#[test]
fn a_name_that_something_has_already_is_refused_by_one_sentence() {
    for (name, singular, why) in [
        ("users", "member", "a module `users`"),
        ("tasks", "chore", "a module `tasks`"),
        ("logs", "log_line", "a module `logs`"),
        ("checks", "health", "a module `health`"),
        ("login_challenges", "challenge", "a table of this name"),
        ("adjustments", "setting", "has `Setting`"),
        ("timetables", "schedule", "a type `Schedule`"),
        ("futures", "future", "a crate"),
        ("dashboard", "one_dashboard", "is an address"),
    ] {
        let wish = Feature { singular: Some(singular.to_owned()), ..feature(name) };
        let Err(refused) = drafted(&checkout(), &wish) else { panic!("{name} is taken") };
        let refused = format!("{refused:#}");
        assert!(refused.contains(why) && !refused.contains('\n'), "{name}: {refused}");
    }
}

#[test]
fn a_folder_that_is_no_checkout_is_refused() {
    let Err(refused) = Checkout::at(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs")) else { panic!("taken") };
    assert!(refused.to_string().contains("has no Cargo.toml"), "{refused}");
}
