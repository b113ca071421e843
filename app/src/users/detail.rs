use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use model::Problem;
use model::problem::Thing;
use model::rbac::{Action, Relation, allowed};
use model::users::{Role, UserProfile};
use uuid::Uuid;

use super::api::{
    SubmitEdit, SubmitEndOfSessions, SubmitImpersonation, SubmitPasswordDemand, SubmitReset, SubmitRestoration,
    SubmitRole, SubmitStatus, SubmitTwoFactorReset, SubmitUserDeletion,
};
use super::queries;
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{
    Done, Loading, Moment, Refusal, Refused, SelectField, Submit, TextField, emptied_by, id_in_address, refusal_of,
};

/// One user, and what the reader may do to them by the permission table.
#[component]
pub fn UserPage() -> impl IntoView {
    let id = id_in_address();
    let shown = move || match id.get() {
        Some(id) => view! { <Detail id/> }.into_any(),
        None => view! { <Refused problem=Problem::NotFound { what: Thing::User }/> }.into_any(),
    };
    view! {
        <Title text="User"/>
        <ForSignedIn>{shown}</ForSignedIn>
    }
}

/// The forms of the page, made once: what was refused stays when the user is read again.
#[derive(Clone, Copy)]
struct Forms {
    edit: ServerAction<SubmitEdit>,
    status: ServerAction<SubmitStatus>,
    role: ServerAction<SubmitRole>,
    reset: ServerAction<SubmitReset>,
    demand: ServerAction<SubmitPasswordDemand>,
    two_factor: ServerAction<SubmitTwoFactorReset>,
    sessions: ServerAction<SubmitEndOfSessions>,
    delete: ServerAction<SubmitUserDeletion>,
    restore: ServerAction<SubmitRestoration>,
}

impl Forms {
    fn new() -> Self {
        Self {
            edit: ServerAction::new(),
            status: ServerAction::new(),
            role: ServerAction::new(),
            reset: ServerAction::new(),
            demand: ServerAction::new(),
            two_factor: ServerAction::new(),
            sessions: ServerAction::new(),
            delete: ServerAction::new(),
            restore: ServerAction::new(),
        }
    }

    fn versions(self) -> usize {
        self.edit.version().get()
            + self.status.version().get()
            + self.role.version().get()
            + self.reset.version().get()
            + self.demand.version().get()
            + self.two_factor.version().get()
            + self.sessions.version().get()
            + self.delete.version().get()
            + self.restore.version().get()
    }
}

#[component]
fn Detail(id: Uuid) -> impl IntoView {
    let CurrentUser(reader) = expect_context();
    let user = queries::one(move || id);
    let forms = Forms::new();
    queries::read_again(move || forms.versions());
    let shown = move || {
        user.get().map(|read| match read {
            Ok(user) => filled(user, reader.id, reader.role, forms).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <p><a href="/users">"All users"</a></p>
        <Done/>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

fn filled(user: UserProfile, reader: Uuid, role: Role, forms: Forms) -> impl IntoView {
    let relation = if user.id == reader { Relation::Own } else { Relation::to_person(role, user.role) };
    let may = move |action: Action| allowed(role, action, relation);
    let is_deleted = user.deleted_at.is_some();
    let id = user.id;
    view! {
        <article class="narrow stack">
            <h1>{user.username.clone()}</h1>
            <Facts user=user.clone()/>
            {(may(Action::EditUser) && !is_deleted).then(|| view! { <EditForm user=user.clone() action=forms.edit/> })}
            {(may(Action::SetUserStatus) && !is_deleted).then(|| view! { <StatusForm user=user.clone() action=forms.status/> })}
            {(may(Action::SetUserRole) && !is_deleted).then(|| view! { <RoleForm user=user.clone() action=forms.role/> })}
            {(may(Action::ResetPassword) && !is_deleted).then(|| view! { <ResetForm id action=forms.reset/> })}
            {(may(Action::ResetPassword) && !is_deleted).then(|| view! { <DemandForm id action=forms.demand/> })}
            {(may(Action::ResetTwoFactor) && user.two_factor).then(|| view! { <TwoFactorForm id action=forms.two_factor/> })}
            {may(Action::EndSessions).then(|| view! { <SessionsForm id action=forms.sessions/> })}
            {(may(Action::Impersonate) && user.is_active).then(|| view! { <ImpersonateForm id/> })}
            {(may(Action::DeleteUser) && id != reader).then(|| view! { <DeleteForm id is_deleted action=forms.delete/> })}
            {(may(Action::RestoreUser) && is_deleted).then(|| view! { <RestoreForm id action=forms.restore/> })}
        </article>
    }
}

#[component]
fn Facts(user: UserProfile) -> impl IntoView {
    let verified = if user.email_verified { "verified" } else { "not verified" };
    view! {
        <dl class="kv panel">
            <dt>"Email"</dt><dd>{user.email.clone()}" ("{verified}")"</dd>
            <dt>"Role"</dt><dd>{user.role.name()}</dd>
            <dt>"State"</dt><dd data-user-status=user.status().name()>{user.status().name()}</dd>
            <dt>"Created"</dt><dd><Moment at=user.created_at/></dd>
            <dt>"Two-factor"</dt><dd>{if user.two_factor { "on" } else { "off" }}</dd>
            {user.last_login_at.map(|at| view! { <dt>"Last login"</dt><dd><Moment at/></dd> })}
            {user.deleted_at.map(|at| view! { <dt>"Deleted"</dt><dd><Moment at/></dd> })}
        </dl>
    }
}

#[component]
fn EditForm(user: UserProfile, action: ServerAction<SubmitEdit>) -> impl IntoView {
    let problem = refusal_of(action);
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"Profile"</h2>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=user.id.to_string()/>
            <TextField field="username" label="Username" autocomplete="off" initial=user.username problem=problem/>
            <TextField field="email" label="Email" kind="email" autocomplete="off" initial=user.email problem=problem/>
            <Submit label="Save profile" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn StatusForm(user: UserProfile, action: ServerAction<SubmitStatus>) -> impl IntoView {
    let problem = refusal_of(action);
    let (wish, label) = if user.is_active { ("false", "Deactivate") } else { ("true", "Activate") };
    view! {
        <ActionForm action=action node_ref=emptied_by(action) attr:class="panel stack">
            <h2>"State"</h2>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=user.id.to_string()/>
            <input type="hidden" name="new[is_active]" value=wish/>
            <TextField form="status" field="reason" label="Reason" required=false problem=problem help="Stands in the audit log."/>
            <Submit label=label pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn RoleForm(user: UserProfile, action: ServerAction<SubmitRole>) -> impl IntoView {
    let problem = refusal_of(action);
    let roles = Role::ALL.map(|role| (role.name(), role.name())).into();
    view! {
        <ActionForm action=action node_ref=emptied_by(action) attr:class="panel stack">
            <h2>"Role"</h2>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=user.id.to_string()/>
            <SelectField field="role" label="Role" choices=roles initial=user.role.name() problem=problem/>
            <TextField form="role" field="reason" label="Reason" required=false problem=problem help="Stands in the audit log."/>
            <Submit label="Change role" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn ResetForm(id: Uuid, action: ServerAction<SubmitReset>) -> impl IntoView {
    let problem = refusal_of(action);
    view! {
        <ActionForm action=action node_ref=emptied_by(action) attr:class="panel stack">
            <h2>"Password"</h2>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=id.to_string()/>
            <TextField field="new_password" label="New password" kind="password" autocomplete="new-password" problem=problem
                help="All sessions end, and another password has to be chosen at the next login."/>
            <TextField form="reset" field="reason" label="Reason" required=false problem=problem help="Stands in the audit log."/>
            <Submit label="Set password" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn DemandForm(id: Uuid, action: ServerAction<SubmitPasswordDemand>) -> impl IntoView {
    let problem = refusal_of(action);
    view! {
        <ActionForm action=action node_ref=emptied_by(action) attr:class="panel stack">
            <h2>"New password"</h2>
            <p>"This person has to choose another password before anything else, also where they are logged in now."</p>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=id.to_string()/>
            <TextField form="demand" field="reason" label="Reason" required=false problem=problem help="Stands in the audit log."/>
            <Submit label="Require a new password" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn TwoFactorForm(id: Uuid, action: ServerAction<SubmitTwoFactorReset>) -> impl IntoView {
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"Two-factor"</h2>
            <p>"For somebody who has lost app and recovery codes. Make sure who asks for it: afterwards the password is enough."</p>
            <Refusal problem=refusal_of(action)/>
            <input type="hidden" name="id" value=id.to_string()/>
            <Submit label="Take the second factor away" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn SessionsForm(id: Uuid, action: ServerAction<SubmitEndOfSessions>) -> impl IntoView {
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"Sessions"</h2>
            <Refusal problem=refusal_of(action)/>
            <input type="hidden" name="id" value=id.to_string()/>
            <Submit label="End all sessions" pending=action.pending()/>
        </ActionForm>
    }
}

/// A plain form, so the next page starts with nothing of the administrator.
#[component]
fn ImpersonateForm(id: Uuid) -> impl IntoView {
    let problem = refusal_of(ServerAction::<SubmitImpersonation>::new());
    view! {
        <form method="post" action="/api/users/impersonate" class="panel stack">
            <h2>"Impersonation"</h2>
            <p>"You see and do what this person can, for 60 minutes at most. All that you do is noted under your name."</p>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=id.to_string()/>
            <TextField form="impersonate" field="reason" label="Reason" problem=problem help="Stands in the audit log."/>
            <button class="btn" data-variant="outline" type="submit">"Act as this person"</button>
        </form>
    }
}

#[component]
fn DeleteForm(id: Uuid, is_deleted: bool, action: ServerAction<SubmitUserDeletion>) -> impl IntoView {
    let problem = refusal_of(action);
    let (words, label) = match is_deleted {
        false => ("Nobody can log in to the account any more. It can be restored.", "Delete account"),
        true => ("The account and what belongs to it are removed for good.", "Remove for good"),
    };
    view! {
        <ActionForm action=action node_ref=emptied_by(action) attr:class="panel stack">
            <h2>"Deletion"</h2>
            <p>{words}</p>
            <Refusal problem=problem/>
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="new[hard_delete]" value=is_deleted.to_string()/>
            <TextField form="delete" field="reason" label="Reason" required=false problem=problem help="Stands in the audit log."/>
            <button class="btn" data-variant="destructive" type="submit" disabled=move || action.pending().get()>{label}</button>
        </ActionForm>
    }
}

#[component]
fn RestoreForm(id: Uuid, action: ServerAction<SubmitRestoration>) -> impl IntoView {
    view! {
        <ActionForm action=action attr:class="panel stack">
            <h2>"Restoration"</h2>
            <Refusal problem=refusal_of(action)/>
            <input type="hidden" name="id" value=id.to_string()/>
            <Submit label="Restore account" pending=action.pending()/>
        </ActionForm>
    }
}
