//! The command palette: Ctrl-K on any page, and what the permission table allows at the tips of the fingers. It is there only with the
//! client; everything in it is a link or a button that the pages have as well.

use leptos::ev::{self, KeyboardEvent};
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use model::rbac::{Action, Relation, allowed};
use model::tasks::{TEXT_MAX, TaskKind};
use model::users::Role;
use uuid::Uuid;

use crate::auth::Whoami;
use crate::layout::FEATURES;

/// Words, where they lead, and what one must be allowed to do to things of others; none for everybody who is signed in. Besides what the navigation
/// has of features.
const PLACES: &[(&str, &str, Option<Action>)] = &[
    // One a line.
    ("Dashboard", "/dashboard", None),
    ("Queue a new task", "/tasks/new", None),
    ("Failed tasks", "/tasks?status=failed", None),
    ("Running tasks", "/tasks?status=running", None),
    ("Dead letter", "/tasks/dead", None),
    ("Queue", "/tasks/overview", Some(Action::OperateQueue)),
    ("Workers", "/tasks/overview#workers", Some(Action::OperateQueue)),
    ("Schedules", "/tasks/overview#schedules", Some(Action::OperateQueue)),
    ("Run all failed tasks again", "/tasks/bulk?do=retry&status=failed", None),
    ("Run all waiting retries now", "/tasks/bulk?do=run_now", None),
    ("Cancel all tasks that have not ended", "/tasks/bulk?do=cancel", None),
    ("Delete all completed tasks", "/tasks/bulk?do=delete&status=completed", None),
    ("Notifications", "/notifications", None),
    ("Users", "/users", Some(Action::ListUsers)),
    ("New user", "/users/new", Some(Action::CreateUser)),
    ("Audit log", "/admin/audit-log", Some(Action::ReadAuditLog)),
    ("Permissions", "/admin/permissions", Some(Action::ReadAuditLog)),
    ("Account", "/account", None),
    ("Sessions", "/account/sessions", None),
    ("API keys", "/account/api-keys", None),
    ("Two-factor", "/account/two-factor", None),
];

/// Words, and where they lead.
type Place = (String, String);

/// What somebody of this role is offered; of a stranger only the way in.
fn places(role: Option<Role>) -> Vec<Place> {
    let place = |words: &str, href: &str| (words.to_owned(), href.to_owned());
    let Some(role) = role else { return vec![place("Log in", "/login"), place("Register", "/register")] };
    let is_open = |action: Option<Action>| action.is_none_or(|action| allowed(role, action, Relation::Other));
    let features = FEATURES.iter().map(|(href, words)| place(words, href));
    let fixed = PLACES.iter().filter(|(_, _, action)| is_open(*action)).map(|(words, href, _)| place(words, href));
    let queues = TaskKind::open_to(role)
        .map(|kind| (format!("Queue a task: {}", kind.title()), format!("/tasks/new?kind={}", kind.name())));
    let pauses = TaskKind::ALL
        .into_iter()
        .filter(|_| is_open(Some(Action::OperateQueue)))
        .map(|kind| (format!("Pause {}", kind.name()), format!("/tasks/overview?pause={}", kind.name())));
    features.chain(fixed).chain(queues).chain(pauses).collect()
}

/// The places whose words fit, and what else the text may mean: a task by its id, or a word in tasks.
fn found(role: Option<Role>, sought: &str) -> Vec<Place> {
    let (sought, lower) = (sought.trim(), sought.trim().to_lowercase());
    let mut found: Vec<_> =
        places(role).into_iter().filter(|(words, _)| words.to_lowercase().contains(&lower)).collect();
    if role.is_some() && !sought.is_empty() && sought.chars().count() <= TEXT_MAX {
        let mut query = ParamsMap::new();
        query.insert("text", sought.to_owned());
        found
            .push((format!("Tasks with “{sought}” in payload or error"), format!("/tasks{}", query.to_query_string())));
    }
    if let (Some(_), Ok(id)) = (role, sought.parse::<Uuid>()) {
        found.insert(0, (format!("The task {id}"), format!("/tasks/{id}")));
    }
    found
}

/// The button that opens the palette, and the palette.
#[component]
pub fn Palette(user: Resource<Whoami>) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let (is_ready, wanted) = (RwSignal::new(false), RwSignal::new(String::new()));
    let open = move || {
        wanted.set(String::new());
        if let Some(dialog) = dialog.get_untracked().filter(|dialog| !dialog.open()) {
            drop(dialog.show_modal());
        }
    };
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    Effect::new(move |_| {
        is_ready.set(true);
        let listening = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
                event.prevent_default();
                open();
            }
        });
        on_cleanup(move || listening.remove());
    });
    let links = move || {
        let role = user.get().and_then(Result::ok).flatten().map(|user| user.role);
        let link = |(words, href): Place| {
            view! { <li><a href=href on:click=move |_| close()>{words}</a></li> }
        };
        let links: Vec<_> = found(role, &wanted.get()).into_iter().map(link).collect();
        if links.is_empty() { view! { <li>"Nothing fits."</li> }.into_any() } else { links.into_any() }
    };
    view! {
        <Show when=move || is_ready.get()>
            <button type="button" on:click=move |_| open()>"Commands (Ctrl-K)"</button>
            <dialog class="dialog palette" node_ref=dialog aria-label="Commands" on:keydown=move |event| step(&event)>
                <input class="input" type="search" aria-label="Search commands" autocomplete="off" autofocus=true prop:value=wanted
                    on:input=move |event| wanted.set(event_target_value(&event))/>
                <ul><Transition>{links}</Transition></ul>
                <p class="field-help">"Arrows choose, Enter opens, Escape closes."</p>
            </dialog>
        </Show>
    }
}

/// On the server nobody presses a key.
#[cfg(not(feature = "hydrate"))]
fn step(_: &KeyboardEvent) {}

/// Arrows go through the links, from the last to the first as well; Enter in the search opens the first one.
#[cfg(feature = "hydrate")]
fn step(event: &KeyboardEvent) {
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement};

    let Some(dialog) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let first = dialog.query_selector("li").ok().flatten();
    let items = std::iter::successors(first, Element::next_element_sibling);
    let links: Vec<HtmlElement> =
        items.filter_map(|item| item.first_element_child()?.dyn_into::<HtmlElement>().ok()).collect();
    let focused = document().active_element();
    let place = links.iter().position(|link| focused.as_ref().is_some_and(|focused| focused.is_same_node(Some(link))));
    let chosen = match (event.key().as_str(), place) {
        ("ArrowDown", None) => links.first(),
        ("ArrowDown", Some(place)) => links.get((place + 1) % links.len()),
        ("ArrowUp", None | Some(0)) => links.last(),
        ("ArrowUp", Some(place)) => links.get(place - 1),
        ("Enter", None) => {
            links.first().inspect(|link| link.click());
            event.prevent_default();
            return;
        }
        _ => return,
    };
    if let Some(link) = chosen {
        drop(link.focus());
    }
    event.prevent_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_offered_what_it_may_do_and_no_more() {
        let has = |role, href: &str| places(role).iter().any(|(_, place)| place == href);
        let [user, moderator, admin] = Role::ALL.map(Some);
        assert_eq!(places(None).len(), 2);
        assert!(has(user, "/tasks/dead") && !has(user, "/tasks/overview") && !has(user, "/users"));
        assert!(has(moderator, "/tasks/overview") && has(moderator, "/users") && !has(moderator, "/admin/audit-log"));
        assert_eq!(places(admin).len(), PLACES.len() + FEATURES.len() + 2 * TaskKind::ALL.len());
        assert!(has(user, "/tasks/new?kind=email") && !has(user, "/tasks/new?kind=file_cleanup"));
        assert!(!has(user, "/tasks/overview?pause=email") && has(moderator, "/tasks/overview?pause=email"));
        for (href, _) in FEATURES {
            assert!(has(user, href), "{href} is in the navigation and not in the palette");
        }
    }

    #[test]
    fn what_is_typed_is_a_word_of_a_place_or_of_a_task_or_the_id_of_one() {
        let first = |sought: &str| found(Some(Role::User), sought).first().cloned().unwrap_or_default().1;
        assert_eq!(first(" dead LETTER "), "/tasks/dead");
        assert_eq!(first("a & b"), "/tasks?text=a%20%26%20b");
        assert_eq!(first(&Uuid::nil().to_string()), format!("/tasks/{}", Uuid::nil()));
        assert!(found(None, "a & b").is_empty());
        assert_eq!(found(Some(Role::User), &"x".repeat(TEXT_MAX + 1)), []);
    }
}
