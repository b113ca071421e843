//! A forgotten password: asking for the letter, and choosing a new one by its link.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::QueryClient;
use leptos_meta::Title;

use super::api::{SubmitForgotPassword, SubmitResetPassword};
use super::told::Told;
use crate::ui::{Hidden, Refusal, Submit, TextField, query_value, refusal_of};

/// Asks for the address.
#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    let action = ServerAction::<SubmitForgotPassword>::new();
    let problem = refusal_of(action);
    view! {
        <Title text="Forgotten password"/>
        <section class="narrow">
            <h1>"Forgotten your password?"</h1>
            <ActionForm action=action attr:class="panel stack">
                <Refusal problem=problem/>
                <TextField field="email" label="Email" kind="email" autocomplete="email" problem=problem
                    help="The address of your account. We send a link to it."/>
                <Submit label="Send the link" pending=action.pending()/>
            </ActionForm>
            <p class="field-help">"It came back to you? "<a href="/login">"Log in"</a></p>
        </section>
    }
}

/// After the address was given; the same whether or not anybody has it.
#[component]
pub fn ResetSentPage() -> impl IntoView {
    view! {
        <Told heading="Look into your mailbox" words="If somebody has an account with this address, a letter with a link is on its way. It may take a minute, and it may be among the spam."
            href="/login" link="To the login"/>
    }
}

/// The new password, by the link of the letter.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let action = ServerAction::<SubmitResetPassword>::new();
    let problem = refusal_of(action);
    let client = expect_context::<QueryClient>();
    // Every session ends, this browser's as well: nothing that was read before counts.
    Effect::new(move || {
        if action.pending().get() {
            client.invalidate_all_queries();
        }
    });
    view! {
        <Title text="New password"/>
        <section class="narrow">
            <h1>"Choose a new password"</h1>
            <ActionForm action=action attr:class="panel stack">
                <Refusal problem=problem/>
                <Hidden field="token" value=query_value("token")/>
                <TextField field="new_password" label="New password" kind="password" autocomplete="new-password" problem=problem
                    help="At least 8 characters. Long beats complicated. Every session of yours ends."/>
                <Submit label="Change the password" pending=action.pending()/>
            </ActionForm>
            <p class="field-help">"The link is too old? "<a href="/forgot-password">"Ask for a new one"</a></p>
        </section>
    }
}

/// After the change.
#[component]
pub fn PasswordResetPage() -> impl IntoView {
    view! {
        <Told heading="Your password was changed" words="Every session was ended. Log in with the new password."
            href="/login" link="Log in"/>
    }
}
