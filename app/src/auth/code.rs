//! The code of an app, after the password.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use model::Problem;

use super::api::SubmitCode;
use super::pages::forget_cache_when_done;
use crate::ui::{Refusal, Submit, TextField, refusal_of};

/// Asks for the code that a login waits for.
#[component]
pub fn CodePage() -> impl IntoView {
    let action = ServerAction::<SubmitCode>::new();
    let refusal = refusal_of(action);
    // Whoever is here has given a password that fits.
    let problem = Memo::new(move |_| match refusal.get() {
        Some(Problem::WrongCredentials) => Some(Problem::field("code", "is wrong, or was used already")),
        other => other,
    });
    forget_cache_when_done(move || matches!(action.value().get(), Some(Ok(()))));
    view! {
        <Title text="Your code"/>
        <section class="narrow">
            <h1>"Your code"</h1>
            <ActionForm action=action attr:class="panel stack">
                <Refusal problem=problem/>
                <TextField field="code" label="Code" autocomplete="one-time-code" problem=problem
                    help="The six digits that your authenticator app shows now, or one of your recovery codes."/>
                <Submit label="Log in" pending=action.pending()/>
            </ActionForm>
            <p class="field-help">"It took longer than five minutes? "<a href="/login">"Begin again"</a></p>
        </section>
    }
}
