use leptos::prelude::*;
use model::passkeys::CeremonyAnswer;
use model::{Problem, problem::Thing};

use super::api::{finish_login, start_login};
use super::browser::{self, Ask};
use crate::ui::Refusal;

/// The button of the login page. Only the running client can ask for a passkey, so without it there is none.
#[component]
pub fn PasskeyLogIn() -> impl IntoView {
    let is_there = RwSignal::new(false);
    Effect::new(move |_| is_there.set(browser::is_there()));
    let action = Action::new_local(|(): &()| async {
        let ceremony = start_login().await.map_err(|error| error.0)?;
        let Some(credential) = browser::ask(Ask::Get, &ceremony.options).await else {
            return Err(Problem::NotFound { what: Thing::Passkey });
        };
        let done = finish_login(CeremonyAnswer { id: ceremony.id, credential }).await;
        done.map_err(|error| error.0)
    });
    Effect::new(move |_| {
        if action.value().get() == Some(Ok(())) {
            browser::open("/dashboard");
        }
    });
    let problem = Memo::new(move |_| action.value().get().and_then(Result::err));
    move || {
        is_there.get().then(|| {
            view! {
                <div class="stack">
                    <Refusal problem/>
                    <button class="btn" data-variant="outline" type="button" disabled=move || action.pending().get()
                        on:click=move |_| drop(action.dispatch(()))>
                        "Use a passkey"
                    </button>
                </div>
            }
        })
    }
}
