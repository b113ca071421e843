use std::collections::BTreeMap;

use leptos::prelude::*;
use model::tasks::{BulkDone, EmailSent, Notified, ReportMade, Swept, TaskKind, Waited, WebhookAnswer};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::ui::{Moment, Values, duration, plain, size};

/// What a task returned, in the way that suits its kind.
#[component]
pub fn ResultView(id: Uuid, task_type: String, result: Value) -> impl IntoView {
    let shown = match (TaskKind::by_name(&task_type), &*task_type) {
        (Some(kind), _) => of_kind(kind, id, &result),
        (None, "bulk") => read(&result).map(many),
        (None, "maintenance") => read(&result).map(tidied),
        (None, _) => None,
    };
    shown.unwrap_or_else(|| view! { <Values title="Result" value=result/> }.into_any())
}

/// None for what another version of the program returned in another form.
fn of_kind(kind: TaskKind, id: Uuid, result: &Value) -> Option<AnyView> {
    match kind {
        TaskKind::DataProcessing => figures(result),
        TaskKind::DelayTask => read(result).map(waited),
        TaskKind::Email => read(result).map(sent),
        TaskKind::FileCleanup => read(result).map(swept),
        TaskKind::Notification => read(result).map(notified),
        TaskKind::ReportGeneration => read(result).map(|made| report(id, made)),
        TaskKind::Webhook => read(result).map(answer),
    }
}

fn read<T: DeserializeOwned>(result: &Value) -> Option<T> {
    T::deserialize(result).ok()
}

/// Names and what stands beside them.
fn facts(facts: impl IntoIterator<Item = (&'static str, AnyView)>) -> AnyView {
    let rows = facts.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect_view();
    view! {
        <section class="panel">
            <h2>"Result"</h2>
            <dl class="kv" data-of="Result">{rows}</dl>
        </section>
    }
    .into_any()
}

fn waited(Waited { waited_seconds }: Waited) -> AnyView {
    facts([("Waited", duration(waited_seconds).into_any())])
}

fn sent(EmailSent { to, .. }: EmailSent) -> AnyView {
    facts([("Sent to", to.into_any())])
}

fn notified(Notified { told }: Notified) -> AnyView {
    let words = if told { "by this attempt" } else { "by an earlier attempt" };
    facts([("Told", view! { {words}": "<a href="/notifications">"your notifications"</a> }.into_any())])
}

fn swept(done: Swept) -> AnyView {
    let (files, bytes) =
        if done.dry_run { ("Files that would be deleted", "They hold") } else { ("Files deleted", "They held") };
    let named = (!done.named.is_empty()).then(|| {
        let names = done.named.into_iter().map(|name| view! { <li><code>{name}</code></li> }).collect_view();
        ("The first of them", view! { <ul class="names">{names}</ul> }.into_any())
    });
    let counts = [
        (files, done.files.into_any()),
        (bytes, size(done.bytes).into_any()),
        ("Left alone", done.kept.into_any()),
        ("Could not be deleted", done.failed.into_any()),
    ];
    facts(counts.into_iter().chain(named))
}

fn report(id: Uuid, made: ReportMade) -> AnyView {
    let saved_as = made.file.clone();
    // A plain link: the browser saves what it leads to.
    let file = view! { <a href=format!("/api/v1/tasks/{id}/file") rel="external" download=saved_as>{made.file}</a> };
    let rows = if made.is_cut { format!("{}, and there were more", made.rows) } else { made.rows.to_string() };
    facts([
        ("File", file.into_any()),
        ("Size", size(made.bytes as u64).into_any()),
        ("Rows", rows.into_any()),
        ("Kept until", view! { <Moment at=made.expires_at/> }.into_any()),
    ])
}

fn answer(answer: WebhookAnswer) -> AnyView {
    let headers =
        answer.headers.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect_view();
    let cut = answer.is_cut.then_some("Only the first 64 KiB are kept.");
    view! {
        {facts([("Status", answer.status.into_any()), ("Took", duration(f64::from(answer.duration_ms) / 1000.0).into_any())])}
        <section class="panel">
            <h2>"Answer"</h2>
            <details><summary>"Headers"</summary><dl class="kv">{headers}</dl></details>
            {(!answer.body.is_empty()).then(|| view! { <pre class="answer" tabindex="0">{answer.body}</pre> })}
            {cut.map(|words| view! { <p>{words}</p> })}
        </section>
    }
    .into_any()
}

/// What is kept by each batch has more in it: a task that was cancelled leaves that.
fn many(BulkDone { matched, done, refused }: BulkDone) -> AnyView {
    let refused = (refused > 0).then(|| ("Not yours to change", refused.into_any()));
    facts([("Done", done.into_any()), ("Matched", matched.into_any())].into_iter().chain(refused))
}

/// Rows by the name of the chore.
fn tidied(rows: BTreeMap<String, u64>) -> AnyView {
    let (some, none): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, rows)| *rows > 0);
    let words = |name: String| name.replace('_', " ");
    let row = |(name, rows): (String, u64)| view! { <dt>{words(name)}</dt><dd>{rows}" rows"</dd> };
    let idle: Vec<_> = none.into_iter().map(|(name, _)| words(name)).collect();
    view! {
        <section class="panel">
            <h2>"Result"</h2>
            <dl class="kv" data-of="Result">{some.into_iter().map(row).collect_view()}</dl>
            {(!idle.is_empty()).then(|| view! { <p class="field-help">"Nothing was due of: "{idle.join(", ")}"."</p> })}
        </section>
    }
    .into_any()
}

/// The figures, and those of each group as a table.
fn figures(result: &Value) -> Option<AnyView> {
    let mut whole = result.as_object()?.clone();
    let groups = whole.remove("groups");
    let groups = groups.as_ref().and_then(Value::as_object).map(|groups| {
        let names: Vec<String> = groups.values().find_map(Value::as_object).into_iter().flat_map(|one| one.keys().cloned()).collect();
        let rows = groups.iter().map(|(group, of)| {
            let cell = |name: &String| view! { <td data-label=name.clone()>{plain(&of[name])}</td> };
            view! { <tr><th scope="row" data-label="Group">{group.clone()}</th>{names.iter().map(cell).collect_view()}</tr> }
        });
        let heads = names.iter().map(|name| view! { <th scope="col">{name.clone()}</th> }).collect_view();
        view! {
            <section class="panel">
                <h2>"Groups"</h2>
                <table class="data-table">
                    <thead><tr><th scope="col">"Group"</th>{heads}</tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </section>
        }
    });
    Some(view! { <Values title="Result" value=Value::Object(whole)/>{groups} }.into_any())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_shows_what_it_returns_in_its_own_words() {
        for kind in TaskKind::ALL {
            let (result, words) = match kind {
                TaskKind::DataProcessing => (
                    json!({"rows": 3, "groups": {"Oslo": {"sum": 2.5}, "Rome": {"sum": 4.0}}}),
                    "Rome</th><td data-label=\"sum\">4<",
                ),
                TaskKind::DelayTask => (json!(Waited { waited_seconds: 90.0 }), "1 min 30 s"),
                TaskKind::Email => (json!(EmailSent { sent: true, to: "ada@example.com".into() }), "ada@example.com"),
                TaskKind::FileCleanup => (
                    json!(Swept { dry_run: true, bytes: 2048, named: vec!["old.log".into()], ..Swept::default() }),
                    "2.0 KiB",
                ),
                TaskKind::Notification => (json!(Notified { told: false }), "by an earlier attempt"),
                TaskKind::ReportGeneration => (
                    json!({"file": "tasks.csv", "bytes": 10, "rows": 4, "is_cut": true, "expires_at": "2026-01-01T00:00:00Z"}),
                    "4, and there were more",
                ),
                TaskKind::Webhook => (
                    json!({"status": 204, "duration_ms": 12, "headers": {"x-done": "yes"}, "body": "<b>", "is_cut": false}),
                    "&lt;b&gt;",
                ),
            };
            let html = Owner::new()
                .with(|| of_kind(kind, Uuid::nil(), &result).map(|view| view.to_html()))
                .unwrap_or_default()
                .replace("<!>", "");
            assert!(html.contains(words), "{kind:?}: {html}");
            assert!(of_kind(kind, Uuid::nil(), &json!("another form")).is_none(), "{kind:?}");
        }
    }

    #[test]
    fn what_the_program_does_for_itself_has_words_as_well() {
        for (task_type, result, words) in [
            ("bulk", json!({"matched": 9, "done": 7, "refused": 2, "last": null}), "Not yours to change</dt><dd>2<"),
            ("maintenance", json!({"api_keys": 3, "files": 0}), "api keys</dt><dd>3 rows<"),
            ("maintenance", json!({"api_keys": 3, "login_challenges": 0}), "Nothing was due of: login challenges."),
            ("of_tomorrow", json!({"some": "thing"}), "some</dt><dd>thing<"),
        ] {
            let view = || view! { <ResultView id=Uuid::nil() task_type=task_type.to_owned() result/> }.to_html();
            let html = Owner::new().with(view).replace("<!>", "");
            assert!(html.contains(words), "{task_type}: {html}");
        }
    }
}
