use super::*;

fn wired(place: Place, text: &str, line: &str) -> Result<String> {
    Wire { file: "x.rs", place, text: line.to_owned() }.apply(text)
}

/// Without layout, which is the formatter's.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_entry_goes_to_the_end_of_its_list_whatever_layout_that_has() {
    for (text, expected) in [
        ("const ALL: &[u8] = &[1, 2];", "const ALL: &[u8] = &[1, 2, 3, ];"),
        ("const ALL: &[u8] = &[\n    1,\n    2,\n];\n", "const ALL: &[u8] = &[ 1, 2, 3, ];"),
        ("const ALL: &[u8] = &[];", "const ALL: &[u8] = &[ 3, ];"),
        ("const ALL: [u8; 2] = [1, 2];", "const ALL: [u8; 3] = [1, 2, 3, ];"),
        (
            "const ALL: &[u8] = &[']', b(\"]\"), // ]\n '\\'', x::<'a>()];",
            "const ALL: &[u8] = &[']', b(\"]\"), // ] '\\'', x::<'a>(), 3, ];",
        ),
    ] {
        let text = wired(Place::EndOf(&["const ALL", "="], 1), text, "3,").unwrap();
        assert_eq!(squeezed(&text), squeezed(expected), "{text}");
    }
}

#[test]
fn an_entry_has_the_indentation_of_those_before_it() {
    let text = "    tags(\n        (name = \"a\"),\n    ),\n";
    let wired = wired(Place::EndOf(&["tags("], 0), text, "(name = \"b\"),").unwrap();
    assert_eq!(wired, "    tags(\n        (name = \"a\"),\n        (name = \"b\"),\n    ),\n");
}

#[test]
fn an_arm_goes_to_the_end_of_its_match_and_not_of_another() {
    let text = "fn a() { match self { A => 1, } }\nfn b() {\n    match self {\n        A => { 2 }\n    }\n}\n";
    let wired = wired(Place::EndOf(&["fn b(", "match self "], 0), text, "B => 3,").unwrap();
    assert_eq!(flat(&wired), "fn a() { match self { A => 1, } } fn b() { match self { A => { 2 } B => 3, } }");
}

#[test]
fn lines_go_after_the_last_and_before_the_first_of_their_kind() {
    let text = "pub mod a;\n#[cfg(x)]\npub mod b;\n\nuse c::{\n    d,\n};\nend\n";
    assert_eq!(
        wired(Place::AfterLast("pub mod "), text, "pub mod new;").unwrap(),
        "pub mod a;\n#[cfg(x)]\npub mod b;\npub mod new;\n\nuse c::{\n    d,\n};\nend\n"
    );
    assert!(wired(Place::AfterLast("use "), text, "use new;").unwrap().ends_with("};\nuse new;\nend\n"));
    assert!(wired(Place::Before("end"), text, "before").unwrap().ends_with("};\nbefore\nend\n"));
    assert_eq!(wired(Place::BeforeLastParagraph, "a\nb\n\nc\n", "x\ny").unwrap(), "a\nb\n\nx\ny\n\nc\n");
}

#[test]
fn rows_and_points_go_to_the_end_of_their_part_of_a_document() {
    let table = "| A | B |\n|---|---|\n| 1 | 2 |\n\nText\n\n| C |\n|---|\n| 3 |";
    assert_eq!(
        wired(Place::EndOfTable("| A |"), table, "| x | y |").unwrap(),
        "| A | B |\n|---|---|\n| 1 | 2 |\n| x | y |\n\nText\n\n| C |\n|---|\n| 3 |"
    );
    assert!(wired(Place::EndOfTable("| C |"), table, "| x |").unwrap().ends_with("| 3 |\n| x |\n"));
    let log = "## New\n\n### Added\n\n- One\n  goes on\n\n### Changed\n\n- Two\n";
    assert_eq!(
        wired(Place::EndOfSection("### Added"), log, "- Three").unwrap(),
        "## New\n\n### Added\n\n- One\n  goes on\n- Three\n\n### Changed\n\n- Two\n"
    );
}

#[test]
fn what_is_there_already_stays_once_in_any_layout() {
    let text = "const ALL: &[(u8, u8)] = &[\n    (1, 2),\n    (3,\n     4)\n];";
    assert_eq!(wired(Place::EndOf(&["const ALL", "="], 1), text, "(3, 4),").unwrap(), text);
}

#[test]
fn a_name_that_begins_as_another_is_not_taken_for_it() {
    let text = "enum Thing {\n    Bookmark,\n    SubBook,\n}\nenum Other { Book }\n";
    let wired = wired(Place::EndOf(&["enum Thing "], 0), text, "Book,").unwrap();
    assert!(flat(&wired).starts_with("enum Thing { Bookmark, SubBook, Book, }"), "{wired}");
}

#[test]
fn a_place_that_is_missing_is_named() {
    for (place, named) in [
        (Place::EndOf(&["const ALL", "="], 1), "const ALL … ="),
        (Place::EndOf(&["fn "], 1), "not closed"),
        (Place::EndOf(&["fn main"], 1), "not closed"),
        (Place::AfterLast("pub mod "), "pub mod "),
        (Place::Before("nowhere"), "nowhere"),
        (Place::EndOfTable("| A |"), "| A |"),
        (Place::EndOfSection("### Added"), "### Added"),
    ] {
        let refused = format!("{:#}", wired(place, "fn main( {", "x").unwrap_err());
        assert!(refused.contains(named), "{refused}");
    }
}
