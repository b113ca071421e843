//! Every list that has one line per feature, and the line.

use super::field::Field;
use super::names::{Names, capital};
use super::wiring::{Place, Wire};

/// What generated requests are about.
pub const HOOKS: &str = "tests/schemathesis/hooks.py";

/// The lines of a feature.
pub fn all(names: &Names, fields: &[Field]) -> Vec<Wire> {
    let mut wires = modules(names);
    wires.extend(permissions(names));
    wires.extend(server(names));
    wires.extend(pages(names));
    wires.extend(tests(names, fields));
    wires.extend(documents(names));
    wires
}

fn wire(file: &'static str, place: Place, text: impl Into<String>) -> Wire {
    Wire { file, place, text: text.into() }
}

fn modules(names: &Names) -> Vec<Wire> {
    let many = &names.many;
    let module = |file| wire(file, Place::AfterLast("pub mod "), format!("pub mod {many};"));
    let test = |file| wire(file, Place::AfterLast("mod "), format!("mod {many};"));
    vec![
        module("model/src/lib.rs"),
        module("server/src/lib.rs"),
        module("app/src/lib.rs"),
        test("tests/all/main.rs"),
        test("tests/all/matrix/mod.rs"),
        wire("style/main.css", Place::AfterLast("@import \"./"), format!("@import \"./{many}.css\";")),
    ]
}

fn permissions(names: &Names) -> Vec<Wire> {
    const RBAC: &str = "model/src/rbac.rs";
    const SCOPE: &str = "model/src/rbac/scope.rs";
    let (one, many, url, words) = (names.type_of_one(), names.type_of_many(), names.url(), names.words());
    let actions = ["Create", "Read", "Edit", "Delete"].map(|verb| format!("{verb}{one}"));
    let each = |text: fn(&str) -> String| actions.iter().map(|action| text(action)).collect::<Vec<_>>().join("\n");
    let row = |action: &String| {
        let scope = if action.starts_with("Read") { "read" } else { "write" };
        format!("| {action} | user |{} `{url}:{scope}` |", " nobody |".repeat(6))
    };
    vec![
        wire(RBAC, Place::EndOf(&["pub enum Action "], 0), each(|action| format!("{action},"))),
        wire(RBAC, Place::EndOf(&["const FEATURES", "="], 1), format!("crate::{}::RULES,", names.many)),
        wire(
            SCOPE,
            Place::EndOf(&["pub enum Scope "], 0),
            format!(
                "#[serde(rename = \"{url}:read\")]\n{many}Read,\n/// Includes `{url}:read`.\n\
                 #[serde(rename = \"{url}:write\")]\n{many}Write,"
            ),
        ),
        wire(SCOPE, Place::EndOf(&["pub const ALL", "="], 2), format!("Self::{many}Read,\nSelf::{many}Write,")),
        wire(
            SCOPE,
            Place::EndOf(&["pub fn name(self)", "match self "], 0),
            format!("Self::{many}Read => \"{url}:read\",\nSelf::{many}Write => \"{url}:write\","),
        ),
        wire(
            SCOPE,
            Place::EndOf(&["pub fn description(self)", "match self "], 0),
            format!(
                "Self::{many}Read => \"See {words}\",\n\
                 Self::{many}Write => \"Write, change and delete {words}, and see them\","
            ),
        ),
        wire(
            "docs/security/permissions.md",
            Place::EndOfTable("| Action |"),
            actions.iter().map(row).collect::<Vec<_>>().join("\n"),
        ),
        wire(
            "docs/guides/02-authentication-and-authorization.md",
            Place::EndOfTable("| Scope |"),
            format!(
                "| `{url}:read` | see {words} |\n| `{url}:write` | write, change and delete {words}, and see them |"
            ),
        ),
    ]
}

fn server(names: &Names) -> Vec<Wire> {
    const PROBLEM: &str = "model/src/problem.rs";
    const AUDIT: &str = "server/src/audit/mod.rs";
    let (many, one, type_of_one) = (&names.many, &names.one, names.type_of_one());
    let (word, words, url) = (capital(&names.word()), capital(&names.words()), names.url());
    vec![
        wire(PROBLEM, Place::EndOf(&["pub enum Thing "], 0), format!("{type_of_one},")),
        wire(
            PROBLEM,
            Place::AfterLast("Self::NotFound { what: Thing::"),
            format!("Self::NotFound {{ what: Thing::{type_of_one} }} => write!(f, \"{word} not found\"),"),
        ),
        wire(AUDIT, Place::EndOf(&["pub enum Subject"], 0), format!("{type_of_one}(Uuid),")),
        wire(
            AUDIT,
            Place::EndOf(&["fn words(self)", "match self "], 0),
            format!("Self::{type_of_one}(id) => (\"{one}\", id.to_string()),"),
        ),
        wire(
            "src/web.rs",
            Place::Before(".merge(server::health::routes::routes());"),
            format!(".merge(server::{many}::routes::routes())"),
        ),
        wire(
            "src/web/api_docs.rs",
            Place::EndOf(&["#[openapi(", "tags("], 0),
            format!("(name = \"{url}\", description = \"{words}, each its owner's\"),"),
        ),
    ]
}

fn pages(names: &Names) -> Vec<Wire> {
    const APP: &str = "app/src/lib.rs";
    let (many, type_of_many, one) = (&names.many, names.type_of_many(), names.type_of_one());
    let (url, words) = (names.url(), names.words());
    let route =
        |path: &str, page: String| format!("<Route path=path!(\"/{url}{path}\") view={page} ssr=SsrMode::Async/>");
    let routes = [
        route("", format!("{type_of_many}Page")),
        route("/new", format!("New{one}Page")),
        route("/:id", format!("{one}Page")),
        route("/:id/edit", format!("Edit{one}Page")),
    ];
    let mut parts =
        [format!("{type_of_many}Page"), format!("New{one}Page"), format!("{one}Page"), format!("Edit{one}Page")];
    parts.sort();
    let indent = " ".repeat(20);
    vec![
        wire(APP, Place::AfterLast("use "), format!("use {many}::{{{}}};", parts.join(", "))),
        wire(APP, Place::AfterLast("<Route path="), routes.map(|route| format!("{indent}{route}")).join("\n")),
        wire(
            "app/src/layout.rs",
            Place::EndOf(&["const FEATURES", "="], 1),
            format!("(\"/{url}\", \"{}\"),", capital(&words)),
        ),
        wire("app/src/ui/done.rs", Place::EndOf(&["const FEATURES", "="], 1), format!("crate::{many}::done,")),
        wire(
            "app/src/ui/states.rs",
            Place::Before("Problem::NotFound { .. } =>"),
            format!(
                "        Problem::NotFound {{ what: Thing::{one} }} => view! {{ <a class=\"btn\" href=\"/{url}\">\"All {words}\"</a> }}.into_any(),"
            ),
        ),
    ]
}

fn tests(names: &Names, fields: &[Field]) -> Vec<Wire> {
    let (many, one, url) = (&names.many, &names.one, names.url());
    let routes = ["get", "post", "get {id}", "put {id}", "delete {id}"].map(|route| match route.split_once(' ') {
        Some((method, id)) => format!("\"{method} /api/v1/{url}/{id}\","),
        None => format!("\"{route} /api/v1/{url}\","),
    });
    let body: Vec<String> = fields.iter().map(|field| field.facts(one, "").as_json()).collect();
    vec![
        wire("tests/all/commands.rs", Place::EndOf(&["const ROUTES", "="], 0), routes.join("\n")),
        wire("tests/all/people.rs", Place::EndOf(&["const ELSEWHERE", "="], 0), format!("super::{many}::is_tried,")),
        wire("tests/all/matrix/mod.rs", Place::EndOf(&["const FEATURES", "="], 1), format!("{many}::FEATURE,")),
        wire(
            "tests/all/matrix/world.rs",
            Place::EndOf(&["const MADE", "="], 0),
            format!("(\"{one}\", \"/api/v1/{url}\", super::{many}::new),"),
        ),
        wire(HOOKS, Place::EndOf(&["THINGS ="], 0), format!("\"{url}\": {{{}}},", body.join(", "))),
        wire(
            "tests/schemathesis/schemathesis.toml",
            Place::BeforeLastParagraph,
            format!(
                "# A cursor whose {word} is gone, blanks only, as many as allowed. And 422: to JSON Schema 90.0 is an integer, to us a fraction.\n\
                 [[operations]]\n\
                 include-name = [\n  \"GET /api/v1/{url}\",\n  \"POST /api/v1/{url}\",\n  \"PUT /api/v1/{url}/{{id}}\",\n]\n\
                 checks.positive_data_acceptance.expected-statuses = [\"2xx\", \"400\", \"401\", \"403\", \"404\", \"409\", \"422\", \"429\"]",
                word = names.word(),
            ),
        ),
    ]
}

fn documents(names: &Names) -> Vec<Wire> {
    let (url, words) = (names.url(), capital(&names.words()));
    vec![wire(
        "CHANGELOG.md",
        Place::EndOfSection("### Added"),
        format!(
            "- {words}, each its owner's, at `/{url}` and `/api/v1/{url}`: written, changed, deleted, searched. API keys have the scopes \
             `{url}:read`\n  and `{url}:write`."
        ),
    )]
}
