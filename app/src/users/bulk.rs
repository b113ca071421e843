use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use model::users::Role;
use model::users::bulk::{BulkAction, BulkPerson, BulkResult, BulkUsers};

use super::api::{SubmitBulk, preview_bulk};
use super::queries;
use crate::auth::ForSignedIn;
use crate::ui::{Empty, Loading, Refusal, Refused, TextField, refusal_of};

const CHANGE: &str = "Change users";

/// What can be chosen on the list: the value in the address, and words.
pub(super) fn choices(action: BulkAction) -> Vec<(String, &'static str)> {
    let one = |words| vec![(action.name().to_owned(), words)];
    match action {
        BulkAction::Enable => one("Enable"),
        BulkAction::Disable => one("Disable"),
        BulkAction::EndSessions => one("End sessions"),
        BulkAction::RequirePasswordChange => one("Require a new password"),
        BulkAction::Delete => one("Delete"),
        BulkAction::Restore => one("Restore"),
        BulkAction::SetRole => {
            Role::ALL.map(|role| (format!("{}.{}", action.name(), role.name()), role_words(role))).into()
        }
    }
}

fn role_words(role: Role) -> &'static str {
    match role {
        Role::User => "Make users",
        Role::Moderator => "Make moderators",
        Role::Admin => "Make administrators",
    }
}

/// What the address asks for; none when it names no action or nobody.
fn read(query: &ParamsMap) -> Option<BulkUsers> {
    let wanted = query.get("do")?;
    let (action, role) = wanted.split_once('.').unwrap_or((&wanted, ""));
    let action = BulkAction::ALL.into_iter().find(|one| one.name() == action)?;
    let role = Role::ALL.into_iter().find(|one| one.name() == role);
    let ids: Vec<_> = query.get_all("id")?.iter().filter_map(|id| id.parse().ok()).collect();
    (!ids.is_empty()).then_some(BulkUsers { ids, action, role, reason: None, dry_run: true })
}

/// Asks whether people who were chosen on the list are to be changed, says beforehand what it will come to, and afterwards what it came to.
#[component]
pub fn BulkPage() -> impl IntoView {
    view! {
        <Title text=CHANGE/>
        <ForSignedIn>
            <p><a href="/users">"All users"</a></p>
            <Bulk/>
        </ForSignedIn>
    }
}

#[component]
fn Bulk() -> impl IntoView {
    let query = use_query_map();
    let wish = Memo::new(move |_| query.with(read));
    let action = ServerAction::<SubmitBulk>::new();
    queries::read_again(move || action.version().get());
    // A plain form is answered by this page, with the result in the context.
    let at_first = StoredValue::new(use_context::<BulkResult>());
    let result = Memo::new(move |_| action.value().get().and_then(Result::ok).or_else(|| at_first.get_value()));
    let shown = move || match (wish.get(), result.get()) {
        (wish, Some(result)) => {
            let (heading, meaning) = wish.as_ref().map_or((CHANGE, ""), words);
            view! { <Outcome heading meaning result/> }.into_any()
        }
        (None, None) => view! {
            <h1>{CHANGE}</h1>
            <Empty><p>"Nobody was chosen."</p><a class="btn" href="/users">"Choose people"</a></Empty>
        }
        .into_any(),
        (Some(wish), None) => view! { <Preview wish action/> }.into_any(),
    };
    view! { <section class="narrow stack">{shown}</section> }
}

/// Heading, and what it means for them.
fn words(wish: &BulkUsers) -> (&'static str, &'static str) {
    match (wish.action, wish.role) {
        (BulkAction::Enable, _) => ("Enable accounts", "They can log in again."),
        (BulkAction::Disable, _) => ("Disable accounts", "They cannot log in any more, and their sessions end."),
        (BulkAction::EndSessions, _) => ("End sessions", "They are logged out everywhere."),
        (BulkAction::RequirePasswordChange, _) => {
            ("Require a new password", "They have to choose another password before anything else.")
        }
        (BulkAction::Delete, _) => {
            ("Delete accounts", "Nobody can log in to these accounts any more. They can be restored.")
        }
        (BulkAction::Restore, _) => ("Restore accounts", "They are inactive until you enable them."),
        (BulkAction::SetRole, role) => {
            (role.map_or("Change role", role_words), "It counts from their next request on.")
        }
    }
}

#[component]
fn Preview(wish: BulkUsers, action: ServerAction<SubmitBulk>) -> impl IntoView {
    let (heading, meaning) = words(&wish);
    let asked = wish.clone();
    // Not from the cache: it has to be true now.
    let preview = Resource::new(move || asked.clone(), preview_bulk);
    let shown = move || {
        preview.get().map(|read| match read {
            Ok(result) => confirmation(&wish, &result, meaning, action).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <h1>{heading}</h1>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

fn confirmation(
    wish: &BulkUsers,
    result: &BulkResult,
    meaning: &'static str,
    action: ServerAction<SubmitBulk>,
) -> impl IntoView + use<> {
    let will_be: Vec<_> = result.people.iter().filter(|one| one.refused.is_none()).cloned().collect();
    let form = (!will_be.is_empty()).then(|| view! { <Form wish=wish.clone() people=will_be.clone() action/> });
    let nobody =
        will_be.is_empty().then(|| view! { <p class="notice" data-tone="warn">"Nobody of them can be changed."</p> });
    view! {
        {nobody}
        <People title="Will be changed" people=will_be meaning/>
        <Stay title="Will stay as they are" people=result.people.clone()/>
        {form}
    }
}

/// Only those who can be changed go on the way: who is refused now is not changed if that is different by then.
#[component]
fn Form(wish: BulkUsers, people: Vec<BulkPerson>, action: ServerAction<SubmitBulk>) -> impl IntoView {
    let problem = refusal_of(action);
    let label = match people.len() {
        1 => "Do it for 1 person".to_owned(),
        count => format!("Do it for {count} people"),
    };
    let ids = people.into_iter().enumerate().map(|(place, one)| {
        view! { <input type="hidden" name=format!("new[ids][{place}]") value=one.id.to_string()/> }
    });
    let role = wish.role.map(|role| view! { <input type="hidden" name="new[role]" value=role.name()/> });
    let variant = matches!(wish.action, BulkAction::Delete | BulkAction::Disable).then_some("destructive");
    view! {
        <ActionForm action=action attr:class="panel stack">
            <Refusal problem=problem/>
            <input type="hidden" name="new[action]" value=wish.action.name()/>
            {role}
            {ids.collect_view()}
            <TextField field="reason" label="Reason" required=false problem=problem help="Stands in the audit log."/>
            <div class="actions">
                <button class="btn" data-variant=variant type="submit" disabled=move || action.pending().get()>{label}</button>
                <a class="btn" data-variant="outline" href="/users">"Cancel"</a>
            </div>
        </ActionForm>
    }
}

#[component]
fn Outcome(heading: &'static str, meaning: &'static str, result: BulkResult) -> impl IntoView {
    let told = format!("{} changed, {} refused.", result.done, result.refused);
    let done = result.people.iter().filter(|one| one.refused.is_none()).cloned().collect();
    view! {
        <h1>{heading}</h1>
        <div role="status"><p class="notice" data-tone=(result.refused > 0).then_some("warn")>{told}</p></div>
        <People title="Changed" people=done meaning/>
        <Stay title="Stayed as they are" people=result.people/>
    }
}

/// Those who are changed.
#[component]
fn People(title: &'static str, people: Vec<BulkPerson>, meaning: &'static str) -> impl IntoView {
    (!people.is_empty()).then(|| {
        let count = people.len();
        let rows = people.into_iter().map(|one| view! { <li>{name_of(&one)}</li> }).collect_view();
        view! {
            <section class="panel">
                <h2>{title}" ("{count}")"</h2>
                <p>{meaning}</p>
                <ul class="names" data-people="changed">{rows}</ul>
            </section>
        }
    })
}

/// Those who are refused, and why.
#[component]
fn Stay(title: &'static str, people: Vec<BulkPerson>) -> impl IntoView {
    let refused: Vec<_> = people.into_iter().filter_map(|one| Some((name_of(&one), one.refused?.message))).collect();
    (!refused.is_empty()).then(|| {
        let count = refused.len();
        let rows = refused.into_iter().map(|(name, why)| view! { <li>{name}": "{why}</li> }).collect_view();
        view! {
            <section class="panel">
                <h2>{title}" ("{count}")"</h2>
                <ul class="names" data-people="refused">{rows}</ul>
            </section>
        }
    })
}

/// A link to somebody who may be read, else the id.
fn name_of(one: &BulkPerson) -> impl IntoView + use<> {
    match &one.username {
        Some(name) => view! { <a href=format!("/users/{}", one.id)>{name.clone()}</a> }.into_any(),
        None => view! { <code>{one.id.to_string()}</code> }.into_any(),
    }
}
