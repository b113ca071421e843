//! The files of a feature: templates in the folder of the same name, filled in.

use anyhow::{Context, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::field::{Facts, Field, Kind};
use super::names::{Names, capital};

/// Most columns of a list, its first one included.
const COLUMNS_MAX: usize = 5;

/// Where each template goes, with the name of the feature for `*`, and its text.
const TEMPLATES: [(&str, &str); 15] = [
    ("model/src/*.rs", include_str!("templates/model.rs.jinja")),
    ("server/src/*/mod.rs", include_str!("templates/server/mod.rs.jinja")),
    ("server/src/*/rows.rs", include_str!("templates/server/rows.rs.jinja")),
    ("server/src/*/routes.rs", include_str!("templates/server/routes.rs.jinja")),
    ("app/src/*/mod.rs", include_str!("templates/app/mod.rs.jinja")),
    ("app/src/*/api.rs", include_str!("templates/app/api.rs.jinja")),
    ("app/src/*/done.rs", include_str!("templates/app/done.rs.jinja")),
    ("app/src/*/queries.rs", include_str!("templates/app/queries.rs.jinja")),
    ("app/src/*/list.rs", include_str!("templates/app/list.rs.jinja")),
    ("app/src/*/form.rs", include_str!("templates/app/form.rs.jinja")),
    ("app/src/*/view.rs", include_str!("templates/app/view.rs.jinja")),
    ("style/*.css", include_str!("templates/style.css.jinja")),
    ("tests/all/*.rs", include_str!("templates/tests/feature.rs.jinja")),
    ("tests/all/matrix/*.rs", include_str!("templates/tests/matrix.rs.jinja")),
    ("end2end/tests/*.spec.ts", include_str!("templates/tests/feature.spec.ts.jinja")),
];

/// Path and text of every file, the migration at `migration` included.
pub fn files(names: &Names, fields: &[Field], migration: &str) -> Result<Vec<(String, String)>> {
    let mut environment = Environment::new();
    environment
        .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let context = facts_of(names, fields);
    let migration = (migration.to_owned(), include_str!("templates/migration.sql.jinja"));
    let placed = TEMPLATES.iter().map(|(path, text)| (path.replace('*', &names.many), *text)).chain([migration]);
    placed
        .map(|(path, template)| {
            let text =
                environment.render_str(template, &context).with_context(|| format!("{path} can not be written"))?;
            Ok((path, text))
        })
        .collect()
}

/// All that templates ask for.
fn facts_of(names: &Names, fields: &[Field]) -> Value {
    let head = super::head(fields);
    let facts = |field: &Field| field.facts(&names.one, &names.key());
    let (first, others): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| field.is_head);
    let short = others.into_iter().filter(|field| field.kind != Kind::Text);
    let columns: Vec<Facts> = first.into_iter().chain(short).take(COLUMNS_MAX).map(facts).collect();
    let has = |is_so: fn(&Field) -> bool| fields.iter().any(is_so);
    let inputs: String = [
        ("Checkbox, ", has(|field| field.kind == Kind::Bool && !field.optional)),
        ("SelectField, ", has(|field| field.kind == Kind::Bool && field.optional)),
        ("TextArea, ", has(|field| field.kind == Kind::Text)),
    ]
    .iter()
    .filter_map(|(name, is_used)| is_used.then_some(*name))
    .collect();
    let facts: Vec<Facts> = fields.iter().map(facts).collect();
    let pairs: Vec<String> = facts.iter().map(|field| format!("new[{}]={}", field.name, field.typed)).collect();
    context! {
        names => names.many.clone(),
        one => names.one.clone(),
        Names => names.type_of_many(),
        One => names.type_of_one(),
        url => names.url(),
        key => names.key(),
        words => names.words(),
        word => names.word(),
        Words => capital(&names.words()),
        Word => capital(&names.word()),
        a => names.article(),
        A => capital(names.article()),
        head => head.name.clone(),
        head_words => head.name.replace('_', " "),
        head_label => head.label(),
        has_date => has(|field| field.kind == Kind::Date),
        inputs => inputs,
        form_body => pairs.join("&"),
        columns => Value::from(Serde(&columns)),
        fields => Value::from(Serde(&facts)),
    }
}
