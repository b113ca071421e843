use leptos::prelude::*;
use leptos_meta::Title;
use model::users::stats::{Recent, RoleStats, UserDay, UserStats};

use super::queries;
use crate::auth::ForSignedIn;
use crate::ui::{Graph, Loading, Moment, Refused, Series, Unit, chart};

/// Figures of all users, for administrators.
#[component]
pub fn StatisticsPage() -> impl IntoView {
    view! {
        <Title text="Statistics of users"/>
        <ForSignedIn>
            <p><a href="/users">"All users"</a></p>
            <h1>"Statistics of users"</h1>
            <Statistics/>
        </ForSignedIn>
    }
}

#[component]
fn Statistics() -> impl IntoView {
    let read = queries::stats();
    let shown = move || {
        read.get().map(|read| match read {
            Ok(stats) => filled(stats),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! { <Transition fallback=|| view! { <Loading/> }>{shown}</Transition> }
}

fn filled(stats: UserStats) -> AnyView {
    let rows = stats.roles.iter().map(row).collect_view();
    let facts = facts(&stats).map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect_view();
    view! {
        <p class="field-help">"As of "<Moment at=stats.last_updated/>". Accounts that were removed for good are not counted."</p>
        <table class="data-table">
            <thead>
                <tr>{HEADS.map(|head| view! { <th scope="col">{head}</th> }).collect_view()}</tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <dl class="kv panel">{facts}</dl>
        <section class="charts" aria-label="Graphs">
            {graph("Accounts by the day they were made", "made", "info", &stats.days, |day| day.registered)}
            {graph("People by the day of their last login", "people", "success", &stats.days, |day| day.last_login)}
        </section>
    }
    .into_any()
}

const HEADS: [&str; 6] = ["Role", "Active", "Inactive", "Deleted", "Two-factor", "Passkey"];

/// The numbers of a role lead to the people.
fn row(one: &RoleStats) -> AnyView {
    let role = one.role.name();
    let counted = [(1, "active", one.active), (2, "inactive", one.inactive), (3, "deleted", one.deleted)].map(
        |(column, status, count)| {
            let href = format!("/users?role={role}&status={status}");
            view! {
                <td data-label=HEADS[column]>
                    <a href=href aria-label=format!("{count} {status}: {role}")>{count}</a>
                </td>
            }
        },
    );
    let secured = [(4, one.two_factor), (5, one.passkeys)]
        .map(|(column, count)| view! { <td data-label=HEADS[column]>{share(count, one.active)}</td> });
    view! { <tr><td data-label=HEADS[0]>{role}</td>{counted.collect_view()}{secured.collect_view()}</tr> }.into_any()
}

fn facts(stats: &UserStats) -> [(&'static str, String); 7] {
    let of_all = |count: i64| share(count, stats.total_users);
    let sessions = &stats.sessions;
    [
        ("Users", format!("{}, and {} deleted", stats.total_users, stats.deleted_users)),
        ("Email verified", of_all(stats.email_verified)),
        ("Must choose another password", of_all(stats.password_change_required)),
        ("Registered", lately(&stats.recent_registrations)),
        ("Last login", lately(&stats.last_logins)),
        ("Never logged in", of_all(stats.never_logged_in)),
        (
            "Sessions",
            format!("{} of browsers, {} of programs, of {} people", sessions.browser, sessions.api, sessions.people),
        ),
    ]
}

fn lately(recent: &Recent) -> String {
    format!("{} in 24 hours, {} in 7 days, {} in 30 days", recent.last_24h, recent.last_7d, recent.last_30d)
}

/// A part in numbers and per cent; of nothing there is no share.
fn share(part: i64, whole: i64) -> String {
    match whole {
        0 => part.to_string(),
        _ => format!("{part} of {whole} ({} %)", part * 100 / whole),
    }
}

fn graph(
    title: &'static str,
    name: &'static str,
    tone: &'static str,
    days: &[UserDay],
    count: fn(&UserDay) -> i64,
) -> AnyView {
    let values = days.iter().map(|day| Some(count(day) as f64)).collect();
    let at = days.iter().map(|day| day.at).collect();
    let graph = Graph { unit: Unit::Count, at, series: vec![Series { name, tone, values }] };
    chart(title, Signal::stored(graph))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_its_numbers_and_of_nothing_there_is_none() {
        assert_eq!(
            (share(1, 3), share(3, 3), share(0, 0)),
            ("1 of 3 (33 %)".into(), "3 of 3 (100 %)".into(), "0".into())
        );
    }
}
