use chrono::{DateTime, Utc};
use leptos::prelude::*;

/// A moment in UTC, for people and machines.
#[component]
pub fn Moment(at: DateTime<Utc>) -> impl IntoView {
    view! { <time datetime=at.to_rfc3339()>{at.format("%Y-%m-%d %H:%M:%S UTC").to_string()}</time> }
}
