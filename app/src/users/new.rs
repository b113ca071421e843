use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use model::users::Role;

use super::api::SubmitUser;
use super::queries;
use crate::auth::ForSignedIn;
use crate::ui::{Refusal, SelectField, Submit, TextField, refusal_of};

/// The form for an account that an administrator makes.
#[component]
pub fn NewUserPage() -> impl IntoView {
    view! {
        <Title text="New user"/>
        <ForSignedIn>
            <section class="narrow">
                <p><a href="/users">"All users"</a></p>
                <h1>"New user"</h1>
                <NewUserForm/>
            </section>
        </ForSignedIn>
    }
}

#[component]
fn NewUserForm() -> impl IntoView {
    let action = ServerAction::<SubmitUser>::new();
    let problem = refusal_of(action);
    queries::read_again(move || action.version().get());
    let roles = Role::ALL.map(|role| (role.name(), role.name())).into();
    view! {
        <ActionForm action=action attr:class="panel stack">
            <Refusal problem=problem/>
            <TextField field="username" label="Username" autocomplete="off" problem=problem help="3 to 50 letters, digits, _ or -."/>
            <TextField field="email" label="Email" kind="email" autocomplete="off" problem=problem/>
            <TextField field="password" label="Password" kind="password" autocomplete="new-password" problem=problem
                help="At least 8 characters."/>
            <SelectField field="role" label="Role" choices=roles initial=Role::User.name() problem=problem/>
            <Submit label="Create user" pending=action.pending()/>
        </ActionForm>
    }
}
