use leptos::prelude::*;
use leptos_meta::Title;

/// The first page.
#[component]
pub fn LandingPage() -> impl IntoView {
    view! {
        <Title text="A full-stack Rust web application"/>
        <section class="hero">
            <p class="field-help">"One language, one binary, one PostgreSQL"</p>
            <h1>"Start your product from something that works"</h1>
            <p>
                "Accounts and roles, background tasks that survive a killed worker, live pages and a documented REST API:
                one typed Rust code base from the database row to the browser."
            </p>
            <p class="actions">
                <a class="btn" href="/register">"Create an account"</a>
                <a class="btn" data-variant="outline" href="/login">"Log in"</a>
            </p>
        </section>
        <section class="grid-cards" aria-label="What is inside">
            <Feature title="Tasks that finish">
                "Claimed under a lease, fenced, retried with backoff and jitter. Kill a worker and another one takes over."
            </Feature>
            <Feature title="Live, without polling">
                "A change in any process reaches the page within a second, by PostgreSQL notifications and server-sent events."
            </Feature>
            <Feature title="Works without JavaScript">
                "Every form and list is plain HTML first. WebAssembly makes it faster, not possible."
            </Feature>
            <Feature title="One API for programs">
                "Everything is under "<code>"/api/v1"</code>" with OpenAPI at "<a href="/api-docs" rel="external">"/api-docs"</a>"."
            </Feature>
        </section>
    }
}

#[component]
fn Feature(title: &'static str, children: Children) -> impl IntoView {
    view! {
        <article class="stat">
            <h2>{title}</h2>
            <p class="field-help">{children()}</p>
        </article>
    }
}
