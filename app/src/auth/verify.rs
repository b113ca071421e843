//! Confirming an email address: the page that a letter leads to, and the notice while it is not done.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use leptos_meta::Title;

use super::api::{ResendVerification, SubmitVerifyEmail, email_is_verified};
use super::told::Told;
use crate::cached::cached;
use crate::error::ApiError;
use crate::ui::{Hidden, Refusal, Submit, query_value, refusal_of};

/// Shows a button and does nothing by itself: mail scanners open every link.
#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    let action = ServerAction::<SubmitVerifyEmail>::new();
    let problem = refusal_of(action);
    let client = expect_context::<QueryClient>();
    // Told while it is on its way: the answer leads to another page, and this one is gone.
    Effect::new(move || {
        if action.pending().get() {
            client.invalidate_query_scope(verified());
        }
    });
    view! {
        <Title text="Confirm your email"/>
        <section class="narrow">
            <h1>"Confirm your email"</h1>
            <ActionForm action=action attr:class="panel stack">
                <Refusal problem=problem/>
                <p>"Is this address yours? One click, and we know."</p>
                <Hidden field="token" value=query_value("token")/>
                <Submit label="Confirm this address" pending=action.pending()/>
            </ActionForm>
            <p class="field-help">"The link is too old? "<a href="/dashboard">"Ask for a new one"</a>" on your dashboard."</p>
        </section>
    }
}

/// After the confirmation.
#[component]
pub fn EmailVerifiedPage() -> impl IntoView {
    view! { <Told heading="Your email is confirmed" words="Thank you. The address of your account is yours." href="/dashboard" link="To the dashboard"/> }
}

/// After the letter was asked for again.
#[component]
pub fn VerificationSentPage() -> impl IntoView {
    view! {
        <Told heading="Look into your mailbox" words="A letter with a link is on its way to you. It may take a minute, and it may be among the spam."
            href="/dashboard" link="To the dashboard"/>
    }
}

fn verified() -> QueryScope<(), Result<bool, ApiError>> {
    let options = QueryOptions::new().with_stale_time(std::time::Duration::from_secs(10));
    QueryScope::new(|()| email_is_verified()).with_options(options)
}

/// While the address of the signed-in person is not confirmed: says so, and sends the letter again. Shows nothing otherwise.
#[component]
pub fn UnverifiedNotice() -> impl IntoView {
    let is_verified = cached(verified(), || ());
    let action = ServerAction::<ResendVerification>::new();
    let problem = refusal_of(action);
    let shown = move || {
        is_verified.get().map(|read| {
            (read == Ok(false)).then(|| {
                view! {
                    <section class="panel stack" aria-label="Your email">
                        <p>"Your email is not confirmed yet. Please follow the link in the letter that we sent you."</p>
                        <ActionForm action=action attr:class="stack">
                            <Refusal problem=problem/>
                            <button class="btn" data-variant="outline" type="submit" disabled=move || action.pending().get()>
                                "Send the letter again"
                            </button>
                        </ActionForm>
                    </section>
                }
            })
        })
    };
    view! { <Transition>{shown}</Transition> }
}
