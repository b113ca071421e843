//! What people see, and the server functions that their browsers call.

pub mod api_keys;
pub mod auth;
pub mod error;
mod home;
mod layout;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod ssr;
pub mod tasks;
pub mod ui;

use leptos::prelude::*;
use leptos_fetch::QueryClient;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use api_keys::ApiKeysPage;
use auth::{ConfirmPage, LogInPage, RegisterPage, SessionsPage};
use home::{DashboardPage, LandingPage, NotFoundPage};
use layout::Layout;
use tasks::{NewTaskPage, TaskPage, TasksPage};

/// The whole application, in the browser and on the server.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    QueryClient::new().provide();
    view! {
        <Title formatter=|page: String| if page.is_empty() { "starter".to_owned() } else { format!("{page} · starter") }/>
        <Router>
            <Layout>
                <Routes fallback=|| view! { <NotFoundPage/> }>
                    <Route path=path!("/") view=LandingPage ssr=SsrMode::Async/>
                    <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async/>
                    <Route path=path!("/login") view=LogInPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/sessions") view=SessionsPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/api-keys") view=ApiKeysPage ssr=SsrMode::Async/>
                    <Route path=path!("/account/confirm") view=ConfirmPage ssr=SsrMode::Async/>
                    <Route path=path!("/dashboard") view=DashboardPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks") view=TasksPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/new") view=NewTaskPage ssr=SsrMode::Async/>
                    <Route path=path!("/tasks/:id") view=TaskPage ssr=SsrMode::Async/>
                </Routes>
            </Layout>
        </Router>
    }
}

/// Takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    leptos::mount::hydrate_body(App);
}
