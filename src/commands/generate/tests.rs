use super::*;

/// The sources of this program.
fn checkout() -> Checkout {
    Checkout::here().unwrap()
}

fn feature(name: &str) -> Feature {
    let fields = ["title:string", "pages:int?"].map(str::to_owned).to_vec();
    Feature { name: name.to_owned(), fields, singular: None, dry_run: true, force: false }
}

#[test]
fn every_list_has_the_place_that_a_new_feature_is_put_into() {
    let draft = write_into(&mut checkout(), &feature("gadget_parts")).unwrap().join("\n");
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
        let Err(refused) = write_into(&mut checkout(), &wish) else { panic!("{name} is taken") };
        let refused = format!("{refused:#}");
        assert!(refused.contains(why) && !refused.contains('\n'), "{name}: {refused}");
    }
}

#[test]
fn what_is_there_is_overwritten_only_when_it_is_asked_for_and_only_what_was_generated() {
    let mut checkout = checkout();
    let mut wish = feature("gadget_parts");
    write_into(&mut checkout, &wish).unwrap();
    let once = checkout.files.clone();
    let refused = write_into(&mut checkout, &wish).unwrap_err().to_string();
    assert!(
        refused.contains("app/src/gadget_parts/api.rs") && refused.ends_with("--force overwrites them"),
        "{refused}"
    );
    assert_eq!(checkout.files, once);

    wish.force = true;
    wish.fields.push("price:float".into());
    let lines = write_into(&mut checkout, &wish).unwrap();
    let is_file = |line: &String| line.starts_with("file  ");
    assert!(lines.iter().all(|line| is_file(line) || line.contains("hooks.py")), "lists have their lines: {lines:?}");
    assert!(checkout.files["model/src/gadget_parts.rs"].contains("pub price: f64,"));
    for name in ["tasks", "users"] {
        let wish = Feature { singular: Some("gadget".into()), force: true, ..feature(name) };
        assert!(write_into(&mut checkout, &wish).is_err(), "{name}");
    }
    let hooks = checkout.text(wires::HOOKS).unwrap();
    assert_eq!(hooks.matches("\"gadget-parts\":").count(), 1, "{hooks}");
}

#[test]
fn a_list_that_is_not_where_it_should_be_is_named() {
    let mut checkout = checkout();
    checkout.edit("app/src/layout.rs", |text| text.replace("const FEATURES", "const PARTS"));
    let refused = format!("{:#}", write_into(&mut checkout, &feature("gadget_parts")).unwrap_err());
    assert!(
        refused.contains("app/src/layout.rs is not as expected") && refused.contains("const FEATURES"),
        "{refused}"
    );
}
