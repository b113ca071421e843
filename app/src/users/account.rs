use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_fetch::QueryClient;
use leptos_meta::Title;
use model::users::UserProfile;

use super::api::{SubmitDeletion, SubmitPassword, SubmitProfile};
use super::queries;
use crate::auth::ForSignedIn;
use crate::ui::{Done, Loading, Moment, Refusal, Refused, Submit, TextField, emptied_by, refusal_of};

/// The own account: profile, password, deletion.
#[component]
pub fn AccountPage() -> impl IntoView {
    view! {
        <Title text="Account"/>
        <ForSignedIn>
            <section class="narrow stack">
                <h1>"Your account"</h1>
                <Done/>
                <Profile/>
                <Password/>
                <section class="panel stack">
                    <h2>"Two-factor"</h2>
                    <p>"A login can ask for a code of your phone besides the password. "<a href="/account/two-factor">"Two-factor"</a></p>
                </section>
                <Deletion/>
            </section>
        </ForSignedIn>
    }
}

#[component]
fn Profile() -> impl IntoView {
    let profile = queries::own();
    let action = ServerAction::<SubmitProfile>::new();
    let client = expect_context::<QueryClient>();
    Effect::new(move |_| {
        // The name stands in the frame of the page as well.
        if matches!(action.value().get(), Some(Ok(()))) {
            client.invalidate_all_queries();
        }
    });
    let shown = move || {
        profile.get().map(|read| match read {
            Ok(profile) => profile_form(profile, action).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! { <Transition fallback=|| view! { <Loading/> }>{shown}</Transition> }
}

fn profile_form(profile: UserProfile, action: ServerAction<SubmitProfile>) -> impl IntoView {
    let problem = refusal_of(action);
    let verified = if profile.email_verified {
        "verified"
    } else {
        "not verified yet; until it is, letters go to the address that was verified before, if there is one"
    };
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"Profile"</h2>
            <Refusal problem=problem/>
            <TextField field="username" label="Username" autocomplete="username" initial=profile.username problem=problem/>
            <TextField field="email" label="Email" kind="email" autocomplete="email" initial=profile.email problem=problem/>
            <dl class="kv">
                <dt>"Email"</dt><dd>{verified}</dd>
                <dt>"Role"</dt><dd>{profile.role.name()}</dd>
                <dt>"Member since"</dt><dd><Moment at=profile.created_at/></dd>
            </dl>
            <Submit label="Save profile" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn Password() -> impl IntoView {
    let action = ServerAction::<SubmitPassword>::new();
    let problem = refusal_of(action);
    view! {
        <ActionForm action=action node_ref=emptied_by(action) attr:class="panel stack">
            <h2>"Password"</h2>
            <Refusal problem=problem/>
            <TextField field="current_password" label="Current password" kind="password" autocomplete="current-password"
                problem=problem/>
            <TextField field="new_password" label="New password" kind="password" autocomplete="new-password" problem=problem
                help="At least 8 characters. All other sessions end."/>
            <Submit label="Change password" pending=action.pending()/>
            <p class="field-help"><a href="/account/api-keys">"API keys"</a>" stay as they are."</p>
        </ActionForm>
    }
}

#[component]
fn Deletion() -> impl IntoView {
    let action = ServerAction::<SubmitDeletion>::new();
    let problem = refusal_of(action);
    let client = expect_context::<QueryClient>();
    Effect::new(move |_| {
        if matches!(action.value().get(), Some(Ok(()))) {
            client.invalidate_all_queries();
        }
    });
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"Delete the account"</h2>
            <p>"You are logged out everywhere and cannot log in any more. For some days an administrator can restore the account; then it is removed."</p>
            <Refusal problem=problem/>
            <TextField field="password" label="Your password" kind="password" autocomplete="current-password" problem=problem/>
            <TextField field="confirmation" label="Confirmation" problem=problem help=CONFIRM/>
            <button class="btn" data-variant="destructive" type="submit" disabled=move || action.pending().get()>
                "Delete my account"
            </button>
        </ActionForm>
    }
}

const CONFIRM: &str = "Type DELETE in capital letters.";
