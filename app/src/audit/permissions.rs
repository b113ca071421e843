use leptos::prelude::*;
use leptos_meta::Title;
use model::Problem;
use model::rbac::{Action, Relation, Rule, TABLE, allowed};

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
    let rows = TABLE.iter().map(row).collect_view();
    view! {
        <p>"The lowest role that may do it: with one's own, with a person of a lower role, of the same role, and with all others. A key needs the scope besides."</p>
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Action"</th>
                    <th scope="col">"Own"</th>
                    <th scope="col">"Lower role"</th>
                    <th scope="col">"Same role"</th>
                    <th scope="col">"Others"</th>
                    <th scope="col">"API key"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(rule: &Rule) -> impl IntoView + use<> {
    let from = |relation| rule.from(relation).map_or("nobody", |role| role.name());
    view! {
        <tr>
            <td data-label="Action">{format!("{:?}", rule.action)}</td>
            <td data-label="Own">{from(Relation::Own)}</td>
            <td data-label="Lower role">{from(Relation::Below)}</td>
            <td data-label="Same role">{from(Relation::Equal)}</td>
            <td data-label="Others">{from(Relation::Other)}</td>
            <td data-label="API key">{rule.action.scope().map_or("in person", |scope| scope.name())}</td>
        </tr>
    }
}
