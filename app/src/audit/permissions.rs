use leptos::prelude::*;
use leptos_meta::Title;
use model::Problem;
use model::rbac::{Action, Relation, Rule, allowed, table};

use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::Refused;

/// The permission table, as the services ask it.
#[component]
pub fn PermissionsPage() -> impl IntoView {
    view! {
        <Title text="Permissions"/>
        <ForSignedIn>
            <h1>"Permissions"</h1>
            <Table/>
        </ForSignedIn>
    }
}

#[component]
fn Table() -> impl IntoView {
    let CurrentUser(user) = expect_context();
    if !allowed(user.role, Action::ReadAuditLog, Relation::Other) {
        return view! { <Refused problem=Problem::Forbidden/> }.into_any();
    }
    let heads = Relation::ALL.map(|relation| view! { <th scope="col">{relation.title()}</th> }).collect_view();
    let rows = table().map(row).collect_view();
    view! {
        <p>"The lowest role that may do it: with one's own, with a person of a lower or the same role, with what is shared or public, and with all else. A key needs the scope besides."</p>
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Action"</th>
                    {heads}
                    <th scope="col">"API key"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(rule: &Rule) -> impl IntoView + use<> {
    let cells = Relation::ALL.map(|relation| {
        let from = rule.from(relation).map_or("nobody", |role| role.name());
        view! { <td data-label=relation.title()>{from}</td> }
    });
    view! {
        <tr>
            <td data-label="Action">{format!("{:?}", rule.action)}</td>
            {cells.collect_view()}
            <td data-label="API key">{rule.scope.map_or("in person", |scope| scope.name())}</td>
        </tr>
    }
}
