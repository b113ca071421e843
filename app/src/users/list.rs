use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::rbac::{Action, Relation, allowed};
use model::users::manage::{UserFilter, UserSort, UserStatus};
use model::users::{Role, UserProfile};
use model::{Page, PageRequest};

use super::queries::{self, ListKey};
use super::table::UserTable;
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{Done, Empty, Loading, Pager, Refused, query_value};

/// Rows of one part of the list.
const ROWS: i64 = 20;

/// The list of users; its filters, its order and its place are in the address.
#[component]
pub fn UsersPage() -> impl IntoView {
    view! {
        <Title text="Users"/>
        <ForSignedIn>
            <Heading/>
            <Done/>
            <List/>
        </ForSignedIn>
    }
}

#[component]
fn Heading() -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let may = |action: Action| allowed(user.role, action, Relation::Other);
    view! {
        <header class="actions" data-spread="">
            <h1>"Users"</h1>
            <div class="actions">
                {may(Action::ReadUserStats).then(|| view! { <a class="btn" data-variant="outline" href="/users/statistics">"Statistics"</a> })}
                {may(Action::CreateUser).then(|| view! { <a class="btn" href="/users/new">"New user"</a> })}
            </div>
        </header>
    }
}

#[component]
fn List() -> impl IntoView {
    let query = use_query_map();
    // Counted, because the query cache still asks for the key when the page has already been left.
    let key = ArcMemo::new(move |_| query.with(read));
    let page = queries::list({
        let key = key.clone();
        move || key.get()
    });
    let filter = key.clone();
    let shown = move || {
        page.get().map(|read| match read {
            Ok(page) => filled(page, &key.get()).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        {move || view! { <Filters filter=filter.get().0/> }}
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

/// What the address asks for; a value that means nothing is taken for none.
fn read(query: &ParamsMap) -> ListKey {
    let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let filter = UserFilter {
        search: text("search"),
        role: text("role").and_then(|name| Role::ALL.into_iter().find(|role| role.name() == name)),
        status: text("status").and_then(|name| UserStatus::ALL.into_iter().find(|status| status.name() == name)),
        sort: text("sort").and_then(|name| UserSort::ALL.into_iter().find(|sort| sort.name() == name)),
    };
    let offset = text("offset").and_then(|offset| offset.parse().ok());
    (filter, PageRequest { limit: Some(ROWS), offset, after: None })
}

/// Says in the address that every box is ticked at first, for browsers in which the client does not run.
const TICKED: &str = "ticked";

/// The address of a part of the list.
fn address(filter: &UserFilter, offset: i64, is_ticked: bool) -> String {
    let mut query = ParamsMap::new();
    let pairs = [
        ("search", filter.search.clone()),
        ("role", filter.role.map(|role| role.name().to_owned())),
        ("status", filter.status.map(|status| status.name().to_owned())),
        ("sort", filter.sort.map(|sort| sort.name().to_owned())),
        ("offset", (offset > 0).then(|| offset.to_string())),
        (TICKED, is_ticked.then(|| "all".to_owned())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            query.insert(name, value);
        }
    }
    format!("/users{}", query.to_query_string())
}

/// A plain GET form: choosing and pressing the button is all it takes, also without JavaScript.
#[component]
fn Filters(filter: UserFilter) -> impl IntoView {
    let option =
        |value: &'static str, is_chosen: bool| view! { <option value=value selected=is_chosen>{value}</option> };
    let roles = Role::ALL.map(|role| option(role.name(), filter.role == Some(role)));
    let states = UserStatus::ALL.map(|status| option(status.name(), filter.status == Some(status)));
    let orders = [
        (UserSort::Newest, "newest first"),
        (UserSort::Username, "by name"),
        (UserSort::LastLogin, "last login first"),
    ]
    .map(|(sort, words)| view! { <option value=sort.name() selected=filter.sort == Some(sort)>{words}</option> });
    view! {
        <form class="filters" method="get" action="/users" role="search" aria-label="Filter users">
            <div>
                <label for="search">"Name or email"</label>
                <input class="input" type="search" id="search" name="search" value=filter.search/>
            </div>
            <div>
                <label for="role">"Role"</label>
                <select class="select" id="role" name="role"><option value="">"all"</option>{roles.collect_view()}</select>
            </div>
            <div>
                <label for="status">"State"</label>
                <select class="select" id="status" name="status">
                    <option value="">"not deleted"</option>
                    {states.collect_view()}
                </select>
            </div>
            <div>
                <label for="sort">"Order"</label>
                <select class="select" id="sort" name="sort">{orders.collect_view()}</select>
            </div>
            <button class="btn" data-variant="outline" type="submit">"Filter"</button>
        </form>
    }
}

fn filled(page: Page<UserProfile>, (filter, place): &ListKey) -> impl IntoView + use<> {
    if page.items.is_empty() {
        return view! { <Empty><p>"Nobody here."</p></Empty> }.into_any();
    }
    let total = if page.total == 1 { "1 user".to_owned() } else { format!("{} users", page.total) };
    let offset = place.offset.unwrap_or(0);
    let first = (offset > 0).then(|| address(filter, 0, false));
    let next = (offset + ROWS < page.total).then(|| address(filter, offset + ROWS, false));
    let is_ticked = query_value(TICKED) == "all";
    let other = address(filter, offset, !is_ticked);
    view! {
        <div class="stack">
            <UserTable users=page.items other is_ticked/>
            <Pager total first next/>
        </div>
    }
    .into_any()
}
