use super::*;

fn read(given: &[&str]) -> Result<Vec<Field>> {
    all(&given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

#[test]
fn a_field_has_a_name_and_a_type_and_the_first_string_is_what_lists_show() {
    let fields = read(&["pages:int?", "title:string", "subtitle:string?", "read_at:datetime"]).unwrap();
    let heads: Vec<_> = fields.iter().filter(|field| field.is_head).map(|field| field.name.as_str()).collect();
    assert_eq!(heads, ["title"]);
    assert!(fields[0].optional && fields[0].kind == Kind::Int && !fields[1].optional);
    assert_eq!(fields[3].label(), "Read at (UTC)");
    for (word, kind) in Kind::ALL {
        assert_eq!(read(&["title:string", &format!("it:{word}")]).unwrap()[1].kind, kind);
    }
}

#[test]
fn a_field_that_can_not_be_one_is_refused_by_one_sentence() {
    let many: Vec<_> = (0..17).map(|number| format!("title_{number}:string")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for (given, why) in [
        (&["title"][..], "a name and a type"),
        (&["title:line"], "no type that is known"),
        (&["title:"], "no type that is known"),
        (&["title:string??"], "no type that is known"),
        (&["title:String"], "no type that is known"),
        (&["Title:string"], "snake case"),
        (&[":string"], "snake case"),
        (&["a b:string"], "snake case"),
        (&["../x:string"], "snake case"),
        (&["type:string"], "a word of Rust"),
        (&["self:string"], "a word of Rust"),
        (&["order:string"], "a word of SQL"),
        (&["user:string"], "a word of SQL"),
        (&["id:string"], "every table has"),
        (&["user_id:string"], "every table has"),
        (&["created_at:datetime"], "every table has"),
        (&["updated_at:datetime"], "every table has"),
        (&["version:int"], "every table has"),
        (&["title:string", "title:int"], "twice"),
        (&["pages:int"], "must be a string"),
        (&["blurb:text"], "must be a string"),
        (&["title:string?", "name:string"], "must not be optional"),
        (&many, "at most 16"),
    ] {
        let refused = format!("{:#}", read(given).unwrap_err());
        assert!(refused.contains(why) && !refused.contains('\n'), "{given:?}: {refused}");
    }
}
