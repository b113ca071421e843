//! What people see, and the server functions that their browsers call.

pub mod api_keys;
pub mod audit;
pub mod auth;
mod cached;
pub mod error;
mod home;
mod layout;
pub mod notes;
pub mod notifications;
mod palette;
#[cfg(feature = "passkeys")]
pub mod passkeys;
#[cfg(not(feature = "passkeys"))]
#[path = "passkeys/absent.rs"]
pub mod passkeys;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod ssr;
pub mod tasks;
pub mod two_factor;
pub mod ui;
pub mod users;

use leptos::prelude::*;
use leptos_fetch::QueryClient;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use api_keys::ApiKeysPage;
use audit::{AuditLogPage, PermissionsPage};
use auth::{
    CodePage, ConfirmPage, EmailVerifiedPage, ForgotPasswordPage, LogInPage, PasswordResetPage, RegisterPage,
    ResetPasswordPage, ResetSentPage, SessionsPage, VerificationSentPage, VerifyEmailPage,
};
use home::{DashboardPage, LandingPage, NotFoundPage};
use layout::Layout;
use notes::{EditNotePage, NotePage, NotesPage, ShareNotePage};
use notifications::NotificationsPage;
use passkeys::PasskeysPage;
use tasks::{
    BulkTasksPage, DeadLetterPage, NewTaskPage, OverviewPage, RetryTaskPage, SchedulePage, TaskPage, TasksPage,
};
use two_factor::TwoFactorPage;
use ui::Late;
use users::{AccountPage, BulkPage, NewUserPage, StatisticsPage, UserPage, UsersPage};

/// What features give to all pages.
const PROVIDED: &[fn()] = &[
    // One a line.
    crate::notes::provide_limits,
];

/// The whole application, in the browser and on the server.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    QueryClient::new().provide();
    provide_context(use_context().unwrap_or_else(|| Late(RwSignal::new(None))));
    PROVIDED.iter().for_each(|provide| provide());
    view! {
        <Title formatter=|page: String| if page.is_empty() { "starter".to_owned() } else { format!("{page} · starter") }/>
        <Router>
            <Layout>
                <Routes fallback=|| view! { <NotFoundPage/> }>
                    <Route path=path!("/") view=LandingPage ssr=SsrMode::Async/>
                    <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async/>
                    <Route path=path!("/login") view=LogInPage ssr=SsrMode::Async/>
                    <Route path=path!("/login/code") view=CodePage ssr=SsrMode::Async/>
                    <Route path=path!("/verify-email") view=VerifyEmailPage ssr=SsrMode::Async/>
                    <Route path=path!("/verify-email/done") view=EmailVerifiedPage ssr=SsrMode::Async/>
                    <Route path=path!("/verify-email/sent") view=VerificationSentPage ssr=SsrMode::Async/>
                    <Route path=path!("/forgot-password") view=ForgotPasswordPage ssr=SsrMode::Async/>
                    <Route path=path!("/forgot-password/sent") view=ResetSentPage ssr=SsrMode::Async/>
                    <Route path=path!("/reset-password") view=ResetPasswordPage ssr=SsrMode::Async/>
                    <Route path=path!("/reset-password/done") view=PasswordResetPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/sessions") view=SessionsPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/api-keys") view=ApiKeysPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/passkeys") view=PasskeysPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/two-factor") view=TwoFactorPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/confirm") view=ConfirmPage ssr=SsrMode::Async/>
                    <Route path=path!("/dashboard") view=DashboardPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks") view=TasksPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/new") view=NewTaskPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/overview") view=OverviewPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/dead") view=DeadLetterPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/bulk") view=BulkTasksPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/schedules/:id") view=SchedulePage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/:id") view=TaskPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/:id/retry") view=RetryTaskPage ssr=SsrMode::Async/>
                    <Route path=path!("/notes") view=NotesPage ssr=SsrMode::Async/>
                    <Route path=path!("/notes/:id") view=NotePage ssr=SsrMode::Async/>
                    <Route path=path!("/notes/:id/edit") view=EditNotePage ssr=SsrMode::Async/>
                    <Route path=path!("/notes/:id/share") view=ShareNotePage ssr=SsrMode::Async/>
                    <Route path=path!("/notifications") view=NotificationsPage ssr=SsrMode::Async/>
                    <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                    <Route path=path!("/users") view=UsersPage ssr=SsrMode::Async/>
                    <Route path=path!("/users/new") view=NewUserPage ssr=SsrMode::Async/>
                    <Route path=path!("/users/bulk") view=BulkPage ssr=SsrMode::Async/>
                    <Route path=path!("/users/statistics") view=StatisticsPage ssr=SsrMode::Async/>
                    <Route path=path!("/users/:id") view=UserPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/audit-log") view=AuditLogPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/permissions") view=PermissionsPage ssr=SsrMode::Async/>
                </Routes>
            </Layout>
        </Router>
    }
}

/// Takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        ui::tell_of_panic();
    }));
    leptos::mount::hydrate_body(App);
}
