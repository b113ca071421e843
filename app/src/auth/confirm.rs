//! The password once more, before something delicate.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_query_map};
use model::Problem;
use model::two_factor::TwoFactor;

use super::ForSignedIn;
use super::api::SubmitConfirm;
use super::pages::forget_cache_when_done;
use crate::two_factor;
use crate::ui::{Refusal, Submit, TextField, refusal_of};

const WRONG: &str = "Wrong password, or wrong code where one is asked for";
const CODE_HELP: &str = "Of your authenticator app, or a recovery code.";

/// The address of [`ConfirmPage`], with the way back to the page that is shown now.
pub fn confirm_address() -> Memo<String> {
    let location = use_location();
    // The query of our pages is made of values that need no more than this to stand in another one.
    let escaped = |text: String| text.replace('%', "%25").replace('&', "%26").replace('#', "%23").replace('+', "%2B");
    Memo::new(move |_| {
        let (path, query) = (location.pathname.get(), location.search.get());
        let here = if query.is_empty() { path } else { format!("{path}?{}", query.trim_start_matches('?')) };
        format!("/account/confirm?to={}", escaped(here))
    })
}

/// Asks for the password, and for the code if the account wants one, and goes on to where `to` says.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    view! {
        <Title text="Confirm your password"/>
        <ForSignedIn><Form/></ForSignedIn>
    }
}

#[component]
fn Form() -> impl IntoView {
    let query = use_query_map();
    let to = move || query.with(|query| query.get("to")).unwrap_or_default();
    let action = ServerAction::<SubmitConfirm>::new();
    let refusal = refusal_of(action);
    // Who it is, is known; of two secrets it is not said which one was wrong.
    let problem = Memo::new(move |_| match refusal.get() {
        Some(Problem::WrongCredentials) => Some(Problem::Conflict { message: WRONG.into() }),
        other => other,
    });
    let status = two_factor::status();
    let code = move || {
        let wants_code = matches!(status.get(), Some(Ok(TwoFactor::On { .. })));
        wants_code.then(|| view! { <TextField field="code" label="Code" autocomplete="one-time-code" problem=problem help=CODE_HELP/> })
    };
    forget_cache_when_done(move || matches!(action.value().get(), Some(Ok(()))));
    view! {
        <section class="narrow">
            <h1>"Confirm your password"</h1>
            <p class="field-help">"What comes next is delicate, so we make sure that it is you."</p>
            <ActionForm action=action attr:class="panel stack">
                <Refusal problem=problem/>
                <input type="hidden" name="to" value=to/>
                <TextField field="password" label="Password" kind="password" autocomplete="current-password" problem=problem/>
                <Transition>{code}</Transition>
                <Submit label="Confirm" pending=action.pending()/>
            </ActionForm>
        </section>
    }
}
