use leptos::ev::Event;
use leptos::html::Input;
use leptos::prelude::*;
use model::rbac::{Action, Relation, allowed};
use model::users::bulk::BulkAction;
use model::users::{Role, UserProfile};
use uuid::Uuid;

use super::bulk::choices;
use crate::auth::CurrentUser;
use crate::ui::Moment;

/// What is done to many people by somebody of this role, and to whom.
fn may_do(role: Role, action: BulkAction, to: Option<Role>) -> bool {
    let may = |action: Action, relation| allowed(role, action, relation);
    match to {
        Some(to) => may(action.permission(), Relation::to_person(role, to)),
        None => {
            [Relation::Below, Relation::Equal, Relation::Other].into_iter().any(|one| may(action.permission(), one))
        }
    }
}

/// The boxes of the rows. Nobody but the browser knows which are ticked, so that ticking works before the client has started.
#[derive(Clone)]
struct Boxes {
    each: Vec<NodeRef<Input>>,
    all: NodeRef<Input>,
    ticked: RwSignal<usize>,
    /// Whether the client runs.
    is_live: RwSignal<bool>,
}

impl Boxes {
    fn new() -> Self {
        Self { each: Vec::new(), all: NodeRef::new(), ticked: RwSignal::new(0), is_live: RwSignal::new(false) }
    }

    fn one_more(&mut self) -> NodeRef<Input> {
        let one = NodeRef::new();
        self.each.push(one);
        one
    }

    fn start(&self) {
        let this = self.clone();
        Effect::new(move |_| {
            this.is_live.set(true);
            this.count();
        });
    }

    fn tick_all(&self, event: &Event) {
        let is_ticked = event_target_checked(event);
        self.each.iter().filter_map(|one| one.get_untracked()).for_each(|one| one.set_checked(is_ticked));
    }

    fn count(&self) {
        let ticked = self.each.iter().filter(|one| one.get_untracked().is_some_and(|one| one.checked())).count();
        self.ticked.set(ticked);
        if let Some(all) = self.all.get_untracked() {
            all.set_checked(ticked == self.each.len());
            all.set_indeterminate((1..self.each.len()).contains(&ticked));
        }
    }
}

/// The rows with a box each. The boxes and what to do are one plain form, which leads to the page that asks for a confirmation.
#[component]
pub(super) fn UserTable(
    users: Vec<UserProfile>,
    /// The address of this part of the list with every box ticked, or with none if they are.
    other: String,
    is_ticked: bool,
) -> impl IntoView {
    let CurrentUser(reader) = expect_context();
    let mut boxes = Boxes::new();
    let rows: Vec<_> = users
        .into_iter()
        .map(|user| {
            let may = BulkAction::ALL.into_iter().any(|action| may_do(reader.role, action, Some(user.role)));
            let choose = (may && user.id != reader.id).then(|| boxes.one_more());
            row(user, choose, is_ticked)
        })
        .collect();
    boxes.start();
    let has_any = !boxes.each.is_empty();
    let counted = boxes.clone();
    view! {
        <form class="stack" data-gap="sm" method="get" action="/users/bulk" aria-label="Change people" on:change=move |_| counted.count()>
            {has_any.then(|| view! { <All boxes=boxes.clone() other is_ticked/> })}
            <table class="data-table">
                <thead>
                    <tr>
                        <th scope="col"><span class="sr-only">"Choose"</span></th>
                        <th scope="col">"User"</th>
                        <th scope="col">"Email"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Last login"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {has_any.then(|| view! { <Bar role=reader.role boxes=boxes.clone()/> })}
        </form>
    }
}

/// Every box at once: by a box of its own, or by a link where the client does not run.
#[component]
fn All(boxes: Boxes, other: String, is_ticked: bool) -> impl IntoView {
    let (all, is_live) = (boxes.all, boxes.is_live);
    let link = if is_ticked { "Choose nobody" } else { "Choose all on this page" };
    view! {
        <div class="choose actions">
            <label class="actions" hidden=move || !is_live.get()>
                <input type="checkbox" node_ref=all on:change=move |event| boxes.tick_all(&event)/>
                <span>"All on this page"</span>
            </label>
            <a class="btn" data-variant="outline" data-size="sm" href=other hidden=move || is_live.get()>{link}</a>
        </div>
    }
}

#[component]
fn Bar(role: Role, boxes: Boxes) -> impl IntoView {
    let actions = BulkAction::ALL.into_iter().filter(|action| may_do(role, *action, None)).flat_map(choices);
    let options = actions.map(|(value, words)| view! { <option value=value>{words}</option> }).collect_view();
    let (ticked, is_live) = (boxes.ticked, boxes.is_live);
    view! {
        <div class="bar actions">
            <label for="do">"With those chosen"</label>
            <select class="select" id="do" name="do">{options}</select>
            <button class="btn" type="submit">"Continue"</button>
            <span role="status">{move || is_live.get().then(|| format!("{} chosen", ticked.get()))}</span>
        </div>
    }
}

fn row(user: UserProfile, choose: Option<NodeRef<Input>>, is_ticked: bool) -> impl IntoView {
    let last_login = user.last_login_at.map(|at| view! { <Moment at/> });
    let label = format!("Choose {}", user.username);
    let choose = match choose {
        Some(place) => {
            view! { <td class="choose" data-label="Choose">{tick(user.id, label, place, is_ticked)}</td> }.into_any()
        }
        None => view! { <td></td> }.into_any(),
    };
    view! {
        <tr>
            {choose}
            <td data-label="User"><a href=format!("/users/{}", user.id)>{user.username.clone()}</a></td>
            <td data-label="Email">{user.email.clone()}</td>
            <td class="word" data-label="Role">{user.role.name()}</td>
            <td class="word" data-label="State">{user.status().name()}</td>
            <td data-label="Last login">{last_login}</td>
        </tr>
    }
}

fn tick(id: Uuid, label: String, place: NodeRef<Input>, is_ticked: bool) -> impl IntoView {
    view! { <input type="checkbox" name="id" value=id.to_string() aria-label=label checked=is_ticked node_ref=place/> }
}
