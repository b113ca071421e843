//! Where somebody is logged in.

use std::time::Duration;

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use leptos_meta::Title;
use model::auth::{Session, SessionKind};

use super::ForSignedIn;
use super::api::{EndSession, LogOutOthers, list_sessions};
use crate::cached::cached;
use crate::error::ApiError;
use crate::passkeys::PasskeysLink;
use crate::ui::{Done, Loading, Moment, Refusal, Refused};

/// Every session of the signed-in person, and how to end them.
#[component]
pub fn SessionsPage() -> impl IntoView {
    view! {
        <Title text="Sessions"/>
        <ForSignedIn>
            <h1>"Sessions"</h1>
            <p class="field-help">"Every browser and program in which you are logged in. End what you do not know, and change your password then. "<a href="/account/api-keys">"API keys"</a><PasskeysLink/></p>
            <Sessions/>
        </ForSignedIn>
    }
}

fn sessions() -> QueryScope<(), Result<Vec<Session>, ApiError>> {
    let options =
        QueryOptions::new().with_stale_time(Duration::from_secs(10)).with_refetch_interval(Duration::from_secs(30));
    QueryScope::new(|()| list_sessions()).with_options(options)
}

#[component]
fn Sessions() -> impl IntoView {
    let client: QueryClient = expect_context();
    let read = cached(sessions(), || ());
    let (end, others) = (ServerAction::<EndSession>::new(), ServerAction::<LogOutOthers>::new());
    Effect::new(move |_| {
        if end.version().get() + others.version().get() > 0 {
            client.invalidate_query_scope(sessions());
        }
    });
    let problem = Memo::new(move |_| {
        let answers = [end.value().get().and_then(Result::err), others.value().get().and_then(Result::err)];
        answers.into_iter().flatten().next().map(|error| error.0)
    });
    let shown = move || {
        read.get().map(|read| match read {
            Ok(sessions) => filled(sessions, end, others).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <Refusal problem/>
        <Done/>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

/// Ending this session as well is a plain form, so the next page starts with nothing of this person.
fn filled(
    sessions: Vec<Session>,
    end: ServerAction<EndSession>,
    others: ServerAction<LogOutOthers>,
) -> impl IntoView + use<> {
    let has_others = sessions.len() > 1;
    let rows = sessions.into_iter().map(|session| row(session, end)).collect_view();
    view! {
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Device"</th>
                    <th scope="col">"Address"</th>
                    <th scope="col">"Logged in"</th>
                    <th scope="col">"Last seen"</th>
                    <th scope="col">"Ends"</th>
                    <th scope="col"><span class="sr-only">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <div class="actions">
            {has_others.then(|| view! {
                <ActionForm action=others>
                    <button class="btn" data-variant="outline" type="submit" disabled=move || others.pending().get()>"End all others"</button>
                </ActionForm>
            })}
            <form method="post" action="/api/auth/log_out_everywhere">
                <button class="btn" data-variant="destructive" type="submit">"Log out everywhere"</button>
            </form>
        </div>
    }
}

fn row(session: Session, end: ServerAction<EndSession>) -> impl IntoView {
    let name = name_of(&session);
    let label = format!("End {name}");
    let last = if session.is_current {
        view! { <strong>"This one"</strong> }.into_any()
    } else {
        view! {
            <ActionForm action=end>
                <input type="hidden" name="id" value=session.id.to_string()/>
                <button class="btn" data-variant="outline" data-size="sm" type="submit" aria-label=label
                    disabled=move || end.pending().get()>"End"</button>
            </ActionForm>
        }
        .into_any()
    };
    view! {
        <tr data-current=session.is_current.then_some("")>
            <td data-label="Device">{name}</td>
            <td data-label="Address">{session.ip.unwrap_or_else(|| "unknown".into())}</td>
            <td data-label="Logged in"><Moment at=session.created_at/></td>
            <td data-label="Last seen"><Moment at=session.last_seen_at/></td>
            <td data-label="Ends"><Moment at=session.expires_at/></td>
            <td>{last}</td>
        </tr>
    }
}

fn name_of(session: &Session) -> String {
    let unknown = match session.kind {
        SessionKind::Browser => "Unknown browser",
        SessionKind::Api => "Program",
    };
    let browser = session.browser.as_deref().unwrap_or(unknown);
    session.system.as_deref().map_or_else(|| browser.to_owned(), |system| format!("{browser} on {system}"))
}
