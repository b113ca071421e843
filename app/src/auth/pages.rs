use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::QueryClient;
use leptos_meta::Title;

use super::api::{SubmitLogIn, SubmitRegister};
use crate::passkeys::PasskeyLogIn;
use crate::ui::{Checkbox, Refusal, Submit, TextField, refusal_of};

/// The form for a new account.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let action = ServerAction::<SubmitRegister>::new();
    let problem = refusal_of(action);
    forget_cache_when_done(move || matches!(action.value().get(), Some(Ok(()))));
    view! {
        <Title text="Register"/>
        <section class="narrow">
            <h1>"Create your account"</h1>
            <ActionForm action=action attr:class="panel stack">
                <Refusal problem=problem/>
                <TextField field="username" label="Username" autocomplete="username" problem=problem
                    help="3 to 50 letters, digits, _ or -."/>
                <TextField field="email" label="Email" kind="email" autocomplete="email" problem=problem/>
                <TextField field="password" label="Password" kind="password" autocomplete="new-password" problem=problem
                    help="At least 8 characters. Long beats complicated."/>
                <Submit label="Create account" pending=action.pending()/>
            </ActionForm>
            <p class="field-help">"Have an account? "<a href="/login">"Log in"</a></p>
        </section>
    }
}

/// The login form.
#[component]
pub fn LogInPage() -> impl IntoView {
    let action = ServerAction::<SubmitLogIn>::new();
    let problem = refusal_of(action);
    forget_cache_when_done(move || matches!(action.value().get(), Some(Ok(()))));
    view! {
        <Title text="Log in"/>
        <section class="narrow">
            <h1>"Log in"</h1>
            <ActionForm action=action attr:class="panel stack">
                <Refusal problem=problem/>
                <TextField field="username" label="Username or email" autocomplete="username" problem=problem/>
                <TextField field="password" label="Password" kind="password" autocomplete="current-password" problem=problem/>
                <Checkbox field="remember" label="Keep me logged in on this device"/>
                <Submit label="Log in" pending=action.pending()/>
            </ActionForm>
            <PasskeyLogIn/>
            <p class="field-help"><a href="/forgot-password">"Forgotten your password?"</a></p>
            <p class="field-help">"New here? "<a href="/register">"Create an account"</a></p>
        </section>
    }
}

/// What was read before belongs to nobody or to somebody else.
pub(super) fn forget_cache_when_done(is_done: impl Fn() -> bool + 'static) {
    let client = expect_context::<QueryClient>();
    Effect::new(move || {
        if is_done() {
            client.invalidate_all_queries();
        }
    });
}
