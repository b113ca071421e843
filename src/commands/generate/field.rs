//! A field of a feature: what is asked for, and what it is in each layer.

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::names::{capital, check_word};
use super::reserved::{COLUMNS, is_sql_word};

/// Most fields of a feature: more do not fit into a form that a person fills in, nor into files of 400 lines.
const FIELDS_MAX: usize = 16;

/// Of which type a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One line.
    String,
    /// Several lines.
    Text,
    Int,
    Float,
    Bool,
    Date,
    Datetime,
}

impl Kind {
    const ALL: [(&'static str, Self); 7] = [
        ("string", Self::String),
        ("text", Self::Text),
        ("int", Self::Int),
        ("float", Self::Float),
        ("bool", Self::Bool),
        ("date", Self::Date),
        ("datetime", Self::Datetime),
    ];

    /// The type in Rust, and the one in PostgreSQL.
    fn types(self) -> (&'static str, &'static str) {
        match self {
            Self::String | Self::Text => ("String", "text"),
            Self::Int => ("i32", "integer"),
            Self::Float => ("f64", "double precision"),
            Self::Bool => ("bool", "boolean"),
            Self::Date => ("NaiveDate", "date"),
            Self::Datetime => ("DateTime<Utc>", "timestamptz"),
        }
    }

    /// Values for tests: in JSON, in JSON but of another type, and as it is typed.
    fn samples(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::String => (r#""Sample""#, "7", "Sample"),
            Self::Text => (r#""Sample""#, "7", "Sample"),
            Self::Int => ("7", r#""many""#, "7"),
            Self::Float => ("9.5", r#""much""#, "9.5"),
            Self::Bool => ("true", r#""perhaps""#, "true"),
            Self::Date => (r#""2020-02-29""#, r#""yesterday""#, "2020-02-29"),
            Self::Datetime => (r#""2020-02-29T12:30:00Z""#, r#""noon""#, "2020-02-29T12:30"),
        }
    }

    pub fn is_words(self) -> bool {
        matches!(self, Self::String | Self::Text)
    }

    /// The constant with the most characters, and its value.
    fn limit(self) -> Option<(&'static str, u32)> {
        match self {
            Self::String => Some(("fields::LINE_MAX", 200)),
            Self::Text => Some(("fields::TEXT_MAX", 10_000)),
            _ => None,
        }
    }
}

/// A field, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    /// It may be missing.
    pub optional: bool,
    /// Lists and headings show it.
    pub is_head: bool,
}

/// Reads `name:type` of each, and finds the one that lists and headings show.
///
/// # Errors
/// One sentence about the first that is wrong.
pub fn all(given: &[String]) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for text in given {
        let field = Field::read(text)?;
        ensure!(fields.iter().all(|other| other.name != field.name), "the field `{}` is there twice", field.name);
        fields.push(field);
    }
    ensure!(fields.len() <= FIELDS_MAX, "there are {} fields, at most {FIELDS_MAX} are allowed", fields.len());
    let head = fields.iter_mut().find(|field| field.kind == Kind::String);
    let head = head.context("one field must be a string: lists and headings show the first one")?;
    ensure!(!head.optional, "the field `{}` must not be optional: lists and headings show the first string", head.name);
    head.is_head = true;
    Ok(fields)
}

impl Field {
    fn read(text: &str) -> Result<Self> {
        let Some((name, kind)) = text.split_once(':') else {
            bail!("`{text}` must be a name and a type, such as `title:string`")
        };
        let name = name.to_owned();
        check_word(&name).with_context(|| format!("the field `{text}` is refused"))?;
        ensure!(!is_sql_word(&name), "the field `{name}` is refused: it is a word of SQL");
        ensure!(
            !COLUMNS.contains(&name.as_str()),
            "the field `{name}` is refused: every table has a column of this name"
        );
        let (kind, optional) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
        let Some((_, kind)) = Kind::ALL.into_iter().find(|(word, _)| *word == kind) else {
            let kinds = Kind::ALL.map(|(word, _)| word).join(", ");
            bail!(
                "the field `{name}` has no type that is known: {kinds}, each with a `?` at the end for what may be missing"
            )
        };
        Ok(Self { name, kind, optional, is_head: false })
    }

    pub fn label(&self) -> String {
        let label = capital(&self.name);
        if self.kind == Kind::Datetime { format!("{label} (UTC)") } else { label }
    }

    /// A box to tick; missing is no.
    fn is_box(&self) -> bool {
        self.kind == Kind::Bool && !self.optional
    }

    fn column(&self) -> String {
        let null = if self.optional { "" } else { " not null" };
        let most =
            self.kind.limit().map(|(_, most)| format!(" check (char_length({}) between 1 and {most})", self.name));
        format!("{}{null}{}", self.kind.types().1, most.unwrap_or_default())
    }

    fn schema(&self) -> String {
        let limit = self.kind.limit().map(|(_, most)| format!("max_length = {most}"));
        match (limit, self.optional) {
            (Some(limit), false) => format!(r#"pattern = r"\S", {limit}"#),
            (Some(limit), true) => limit,
            (None, _) if self.kind == Kind::Int => "minimum = -2147483648, maximum = 2147483647".into(),
            (None, _) => String::new(),
        }
    }

    /// The check of `self.name`, a `Result`; nothing where every value is good.
    fn check(&self) -> String {
        let name = &self.name;
        let some = |value: String| if self.optional { value } else { format!("Some({value})") };
        match (self.kind, self.kind.limit()) {
            (_, Some((most, _))) if self.optional => format!("fields::any_text(&self.{name}, {most})"),
            (_, Some((most, _))) => format!("fields::some_text(&self.{name}, {most})"),
            (Kind::Float, _) => format!("fields::finite({})", some(format!("self.{name}"))),
            (Kind::Date, _) => format!("fields::usual_day({})", some(format!("self.{name}"))),
            (Kind::Datetime, _) if self.optional => {
                format!("fields::usual_day(self.{name}.map(|at| at.date_naive()))")
            }
            (Kind::Datetime, _) => format!("fields::usual_day(Some(self.{name}.date_naive()))"),
            _ => String::new(),
        }
    }

    /// The value as it is kept; nothing where it stays as it came.
    fn kept(&self) -> String {
        let name = &self.name;
        match (self.kind, self.optional) {
            (Kind::String, false) => format!("self.{name}.trim().to_owned()"),
            (Kind::String | Kind::Text, true) => format!("fields::kept(self.{name})"),
            (Kind::Datetime, false) => format!("fields::to_the_second(self.{name})"),
            (Kind::Datetime, true) => format!("self.{name}.map(fields::to_the_second)"),
            _ => String::new(),
        }
    }

    /// The text in a form of the value in `of`.
    fn written(&self, of: &str) -> String {
        let value = format!("{of}.{}", self.name);
        match (self.kind, self.optional) {
            (Kind::String | Kind::Text, false) => format!("{value}.clone()"),
            (Kind::String | Kind::Text, true) => format!("{value}.clone().unwrap_or_default()"),
            (Kind::Datetime, false) => format!("fields::moment_of_form({value})"),
            (Kind::Datetime, true) => format!("{value}.map(fields::moment_of_form).unwrap_or_default()"),
            (_, false) => format!("{value}.to_string()"),
            (_, true) => format!("{value}.map(|value| value.to_string()).unwrap_or_default()"),
        }
    }

    /// The value that the text in `self` says.
    fn read_by(&self) -> String {
        let name = &self.name;
        let by = match self.kind {
            Kind::String | Kind::Text if self.optional => return format!("Some(self.{name})"),
            Kind::String | Kind::Text => return format!("self.{name}"),
            Kind::Int => "whole",
            Kind::Float => "number",
            Kind::Bool => "yes_or_no",
            Kind::Date => "day",
            Kind::Datetime => "moment",
        };
        let ask = |how: &str| format!(r#"reader.{how}("{name}", &self.{name}, fields::{by})"#);
        match (self.is_box(), self.optional) {
            (true, _) => format!("{}.unwrap_or_default()", ask("optional")),
            (_, true) => ask("optional"),
            (_, false) => ask("needed"),
        }
    }

    /// A child of a view that shows `value`, which is there.
    fn child(&self, value: &str) -> String {
        match self.kind {
            Kind::String | Kind::Text => format!("{{{value}}}"),
            Kind::Bool => format!(r#"{{if {value} {{ "yes" }} else {{ "no" }}}}"#),
            Kind::Datetime => format!("<Moment at={value}/>"),
            Kind::Int | Kind::Float | Kind::Date => format!("{{{value}.to_string()}}"),
        }
    }

    /// A child of a table's cell.
    fn shown(&self, one: &str) -> String {
        let value = format!("{one}.{}", self.name);
        match (self.kind, self.optional) {
            (Kind::String | Kind::Text, _) | (_, false) => self.child(&value),
            (Kind::Bool, true) => format!(r#"{{{value}.map(|is_so| if is_so {{ "yes" }} else {{ "no" }})}}"#),
            (Kind::Datetime, true) => format!("{{{value}.map(|at| view! {{ <Moment at/> }})}}"),
            (_, true) => format!("{{{value}.map(|value| value.to_string())}}"),
        }
    }

    /// The component that takes it in, in the form of this key.
    fn input(&self, key: &str) -> String {
        let Self { name, .. } = self;
        let required = if self.optional { " required=false" } else { "" };
        let limit = self.kind.limit().map(|(constant, _)| format!(" limit=model::{constant}")).unwrap_or_default();
        let about = format!(r#"field="{name}" label="{}"{limit}"#, self.label());
        let text =
            |kind: &str| format!(r#"<TextField form="{key}" {about}{kind}{required} initial=form.{name} problem/>"#);
        match self.kind {
            Kind::String => text(r#" autocomplete="off""#),
            Kind::Text => format!(r#"<TextArea form="{key}" {about}{required} initial=form.{name} problem/>"#),
            Kind::Int | Kind::Float => text(r#" kind="number""#),
            Kind::Date => text(r#" kind="date""#),
            Kind::Datetime => text(r#" kind="datetime-local""#),
            Kind::Bool if self.optional => format!(
                r#"<SelectField form="{key}" {about} choices=vec![("", "not said"), ("true", "yes"), ("false", "no")] initial=form.{name} problem/>"#
            ),
            Kind::Bool => format!(r#"<Checkbox {about} initial={{form.{name} == "true"}}/>"#),
        }
    }

    /// What Playwright does to fill it in.
    fn filled(&self) -> String {
        let by_label = format!(r#"await page.getByLabel("{}", {{ exact: true }})"#, self.label());
        match self.kind {
            Kind::Bool if self.optional => format!(r#"{by_label}.selectOption("true");"#),
            Kind::Bool => format!("{by_label}.check();"),
            _ if self.is_head => format!(r#"{by_label}.fill("Apples");"#),
            _ => format!(r#"{by_label}.fill("{}");"#, self.kind.samples().2),
        }
    }

    /// All that templates ask for.
    pub fn facts(&self, one: &str, key: &str) -> Facts {
        let (rust, _) = self.kind.types();
        let (json, wrong, typed) = self.kind.samples();
        let garbage = if self.kind.is_words() { "" } else { wrong.trim_matches('"') };
        let value = if self.optional { "value".to_owned() } else { format!("{one}.{}", self.name) };
        Facts {
            name: self.name.clone(),
            label: self.label(),
            kind: self.kind,
            optional: self.optional,
            is_box: self.is_box(),
            rust: if self.optional { format!("Option<{rust}>") } else { rust.to_owned() },
            column: self.column(),
            schema: self.schema(),
            check: self.check(),
            kept: self.kept(),
            written: self.written(one),
            read: self.read_by(),
            lent: if self.optional && self.kind.is_words() { ".as_deref()" } else { "" },
            fact: self.child(&value),
            shown: self.shown(one),
            input: self.input(key),
            filled: self.filled(),
            json,
            wrong,
            typed,
            garbage,
            shown_garbage: !self.kind.is_words() && self.kind != Kind::Bool,
        }
    }
}

/// A field in each layer; pieces of code that differ by its type.
#[derive(Debug, Serialize)]
pub struct Facts {
    pub name: String,
    label: String,
    kind: Kind,
    optional: bool,
    is_box: bool,
    rust: String,
    column: String,
    schema: String,
    check: String,
    kept: String,
    written: String,
    read: String,
    lent: &'static str,
    fact: String,
    shown: String,
    input: String,
    filled: String,
    json: &'static str,
    wrong: &'static str,
    pub typed: &'static str,
    garbage: &'static str,
    shown_garbage: bool,
}

impl Facts {
    /// As a member of a JSON object in Python.
    pub fn as_json(&self) -> String {
        let value = if self.kind == Kind::Bool { "True" } else { self.json };
        format!("\"{}\": {value}", self.name)
    }
}

#[cfg(test)]
mod tests;
