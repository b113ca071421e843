//! What people do with accounts: their own, and those of others by the permission table.

use model::rbac::{self, Action, Relation, allowed};
use model::users::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestApp, account};

const NEW_PASSWORD: &str = "another-Secret-9";

/// Each action on a person: its address, and what a user, a moderator and an administrator are answered when the person is they themselves,
/// another user, another moderator, another administrator.
const CELLS: [(Action, &str, &str, [&str; 3]); 11] = [
    (Action::ReadUser, "GET", "", ["200 404 404 404", "200 200 200 404", "200 200 200 200"]),
    (Action::EditUser, "PUT", "/profile", ["403 403 403 403", "403 403 403 403", "200 200 200 200"]),
    (Action::SetUserStatus, "PUT", "/status", ["403 403 403 403", "403 200 403 404", "403 200 200 200"]),
    (Action::SetUserRole, "PUT", "/role", ["403 403 403 403", "403 403 403 403", "200 200 200 200"]),
    (Action::ResetPassword, "POST", "/reset-password", ["403 403 403 403", "403 200 403 404", "403 200 200 200"]),
    (
        Action::ResetPassword,
        "POST",
        "/require-password-change",
        ["403 403 403 403", "403 200 403 404", "403 200 200 200"],
    ),
    (Action::ResetTwoFactor, "DELETE", "/two-factor", ["403 403 403 403", "403 409 403 404", "403 409 409 409"]),
    (Action::EndSessions, "DELETE", "/sessions", ["200 403 403 403", "200 200 403 404", "200 200 200 200"]),
    (Action::DeleteUser, "DELETE", "", ["403 403 403 403", "403 403 403 403", "400 200 200 200"]),
    (Action::Impersonate, "POST", "/impersonate", ["403 403 403 403", "403 403 403 403", "403 200 200 403"]),
    (Action::RestoreUser, "POST", "/restore", ["403 403 403 403", "403 403 403 403", "403 409 409 409"]),
];

fn body_of(action: Action) -> Value {
    match action {
        Action::EditUser => json!({"username": "changed", "email_verified": true}),
        Action::SetUserStatus => json!({"is_active": false, "reason": "spam"}),
        Action::SetUserRole => json!({"role": "user", "reason": "asked for it"}),
        Action::Impersonate => json!({"reason": "looks at a fault"}),
        Action::ResetPassword => json!({"new_password": NEW_PASSWORD}),
        _ => json!({}),
    }
}

async fn act(app: &TestApp, actor: &Person, method: &str, path: &str, body: Value) -> Answer {
    let request = app.request(method.parse().unwrap(), &format!("/api/v1{path}")).bearer_auth(&actor.token);
    Answer::to(if method == "GET" { request } else { request.json(&body) }).await
}

/// All of an account and its sessions, as the database holds it.
async fn stored(app: &TestApp, person: &Person) -> String {
    let all = "select coalesce(users::text, '') || (select count(*) from sessions where user_id = $1) from users where id = $1";
    sqlx::query_scalar(all).bind(person.id).fetch_optional(&app.app.db).await.unwrap().unwrap_or_default()
}

#[tokio::test]
async fn each_role_may_do_to_each_person_what_the_table_says_and_a_refusal_changes_nothing() {
    let app = TestApp::start().await;
    // So that nobody here is the last one.
    app.register_as("Zora", Role::Admin).await;
    let mut number = 0;
    for (action, method, path, rows) in CELLS {
        for (role, row) in Role::ALL.into_iter().zip(rows) {
            let subjects = [None, Some(Role::User), Some(Role::Moderator), Some(Role::Admin)];
            for (subject_role, expected) in subjects.into_iter().zip(row.split(' ')) {
                number += 1;
                let actor = app.register_as(&format!("actor-{number}"), role).await;
                let subject = match subject_role {
                    None => None,
                    Some(role) => Some(app.register_as(&format!("subject-{number}"), role).await),
                };
                let subject = subject.as_ref().unwrap_or(&actor);
                let relation = subject_role.map_or(Relation::Own, |subject| Relation::to_person(role, subject));
                let before = stored(&app, subject).await;
                let mut body = body_of(action);
                if action == Action::EditUser {
                    body = json!({"username": format!("changed-{number}")});
                }
                let answer = act(&app, &actor, method, &format!("/users/{}{path}", subject.id), body).await;
                let cell = format!("{action:?} by {role:?} on {subject_role:?}: {}", answer.text);
                assert_eq!(answer.status.to_string(), expected, "{cell}");
                // 400 and 409 are said to those who may, for other reasons.
                assert_eq!(allowed(role, action, relation), !matches!(answer.status, 403 | 404), "{cell}: the table");
                if action != Action::ReadUser {
                    assert_eq!(stored(&app, subject).await != before, answer.status == 200, "{cell}: changed");
                }
            }
        }
    }
    app.take_letters_back().await;
}

#[tokio::test]
async fn what_is_about_all_people_is_for_the_roles_of_the_table() {
    let app = TestApp::start().await;
    let doors = [
        (Action::ListUsers, "GET", "/users", [403, 200, 200]),
        (Action::CreateUser, "POST", "/users", [403, 403, 200]),
        (Action::ReadUserStats, "GET", "/admin/users/stats", [403, 403, 200]),
        (Action::ReadAuditLog, "GET", "/admin/audit-log", [403, 403, 200]),
    ];
    for (role, place) in Role::ALL.into_iter().zip(0..) {
        let actor = app.register_as(role.name(), role).await;
        for (action, method, path, expected) in doors {
            let answer = act(&app, &actor, method, path, account(&format!("made-by-{}", role.name()))).await;
            assert_eq!(answer.status, expected[place], "{action:?} by {role:?}: {}", answer.text);
            assert_eq!(allowed(role, action, Relation::Other), answer.status == 200);
        }
        for (action, method, path, body) in [
            (Action::ReadUser, "GET", "/users/me/profile", json!({})),
            (Action::EditProfile, "PUT", "/users/me/profile", json!({"username": format!("new-{}", role.name())})),
            (Action::ChangePassword, "PUT", "/users/me/password", passwords(PASSWORD, NEW_PASSWORD)),
            (Action::DeleteAccount, "DELETE", "/users/me", json!({"password": "x", "confirmation": "DELETE"})),
        ] {
            let answer = act(&app, &actor, method, path, body).await;
            assert!(
                allowed(role, action, Relation::Own) && matches!(answer.status, 200 | 400),
                "{action:?} {}",
                answer.text
            );
        }
    }
    app.take_letters_back().await;
}

/// Whether the tests of other features try an action.
const ELSEWHERE: &[fn(Action) -> bool] = &[
    // One a line.
    super::permissions::is_tried,
    super::notes_permissions::is_tried,
    super::notifications::is_tried,
];

#[test]
fn every_action_is_tried() {
    let on_all = [Action::ListUsers, Action::CreateUser, Action::ReadUserStats, Action::ReadAuditLog];
    // By the command line only: see `key_rotation`.
    let by_command = [Action::RotateEncryptionKey];
    // The keys of others are nobody's: see `api_keys` and `passkeys`.
    let own = [
        Action::EditProfile,
        Action::ChangePassword,
        Action::DeleteAccount,
        Action::ManageApiKeys,
        Action::ManagePasskeys,
        Action::ManageTwoFactor,
    ];
    for rule in rbac::table() {
        let is_tried = CELLS.iter().any(|(action, ..)| *action == rule.action)
            || on_all.contains(&rule.action)
            || by_command.contains(&rule.action)
            || own.contains(&rule.action)
            || ELSEWHERE.iter().any(|is_tried| is_tried(rule.action));
        assert!(is_tried, "{:?}", rule.action);
    }
}

fn passwords(current: &str, new: &str) -> Value {
    json!({"current_password": current, "new_password": new})
}

#[tokio::test]
async fn another_email_or_role_wants_a_password_that_was_given_lately() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    for person in [&ada, &alma] {
        app.change(person.id, "update sessions set sudo_until = now() where user_id = $1").await;
    }
    let wanted = (403, "REAUTHENTICATION_REQUIRED".to_owned());
    let email = json!({"email": "countess@example.com"});
    assert_eq!(app.put(&ada, "/api/v1/users/me/profile", email.clone()).await.refusal(), wanted);
    assert_eq!(app.put(&ada, "/api/v1/users/me/profile", json!({"username": "Countess"})).await.status, 200);
    let role = format!("/api/v1/users/{}/role", ada.id);
    assert_eq!(app.put(&alma, &role, json!({"role": "admin"})).await.refusal(), wanted);
    for person in [&ada, &alma] {
        app.post(person, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await.data();
    }
    assert_eq!(app.put(&ada, "/api/v1/users/me/profile", email).await.status, 200);
    assert_eq!(app.put(&alma, &role, json!({"role": "admin"})).await.status, 200);
    assert_eq!(app.work().await, 2, "the letters to the address before and to the new one");
}

#[tokio::test]
async fn people_change_their_name_and_email_and_another_email_is_not_verified() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.register("Grace").await;
    app.change(ada.id, "update users set email_verified = true where id = $1").await;

    let edit = async |body: Value| app.put(&ada, "/api/v1/users/me/profile", body).await;
    let same =
        edit(json!({"username": "Countess", "email": "ADA@example.com", "role": "admin", "email_verified": true}))
            .await;
    let profile = same.json()["data"].clone();
    assert_eq!(
        (&profile["username"], &profile["email_verified"], &profile["role"]),
        (&json!("Countess"), &json!(true), &json!("user"))
    );
    assert_eq!(
        edit(json!({"email": "countess@example.com", "email_verified": true})).await.json()["data"]["email_verified"],
        false
    );
    assert_eq!(edit(json!({"username": "gRACE"})).await.refusal(), (409, "USERNAME_ALREADY_EXISTS".into()));
    assert_eq!(edit(json!({"email": "Grace@example.com"})).await.refusal(), (409, "EMAIL_ALREADY_EXISTS".into()));
    assert_eq!(edit(json!({"username": "x", "email": "y"})).await.fields(), ["username", "email"]);
    let stored = app.get(&ada, "/api/v1/users/me/profile").await.data();
    assert_eq!((&stored["username"], &stored["email"]), (&json!("Countess"), &json!("countess@example.com")));
    assert_eq!(app.work().await, 2);
    let mut told: Vec<_> = app.letters().await.into_iter().map(|letter| letter.to).collect();
    told.sort();
    assert_eq!(told, ["ADA@example.com", "countess@example.com"], "whoever had the account before hears of it");
}

#[tokio::test]
async fn another_password_needs_the_current_one_and_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let elsewhere = Person { token: app.log_in("Ada").await, ..app.register("Ada2").await };
    let change =
        async |current: &str, new: &str| app.put(&ada, "/api/v1/users/me/password", passwords(current, new)).await;

    assert_eq!(change("not this", NEW_PASSWORD).await.refusal(), (401, "INVALID_CREDENTIALS".into()));
    for refused in [PASSWORD, "weak", "password123", "Ada-ada1"] {
        assert_eq!(change(PASSWORD, refused).await.fields(), ["new_password"], "{refused}");
    }
    assert_eq!(app.get(&elsewhere, "/api/v1/auth/me").await.status, 200, "nothing has happened yet");
    assert_eq!(change(PASSWORD, NEW_PASSWORD).await.status, 200);
    assert_eq!(app.get(&elsewhere, "/api/v1/auth/me").await.status, 401);
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 200, "this session goes on");
    let log_in = async |password: &str| {
        app.send("/api/v1/auth/login", json!({"username": "Ada", "password": password})).await.status
    };
    assert_eq!((log_in(PASSWORD).await, log_in(NEW_PASSWORD).await), (401, 200));
    app.take_letters_back().await;
}

#[tokio::test]
async fn an_account_is_deleted_by_its_owner_and_its_name_stays_taken_until_it_is_restored_or_removed() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let delete = async |password: &str, word: &str| {
        act(&app, &ada, "DELETE", "/users/me", json!({"password": password, "confirmation": word})).await
    };
    assert_eq!(delete(PASSWORD, "delete").await.fields(), ["confirmation"]);
    assert_eq!(delete("not this", "DELETE").await.fields(), ["password"]);
    assert_eq!(delete(PASSWORD, "DELETE").await.status, 200);
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);
    assert_eq!(app.send("/api/v1/auth/register", account("ADA")).await.status, 409);

    let list = async |status: &str| {
        app.get(&alma, &format!("/api/v1/users?status={status}")).await.data().as_array().unwrap().len()
    };
    assert_eq!((list("deleted").await, list("inactive").await, list("active").await), (1, 0, 1));
    let at = |door: &str| format!("/api/v1/users/{}{door}", ada.id);
    assert_eq!(app.delete(&alma, &at("")).await.refusal(), (404, "USER_NOT_FOUND".into()), "it is deleted already");
    assert_eq!(app.put(&alma, &at("/status"), json!({"is_active": true})).await.status, 409);
    let restored = app.post(&alma, &at("/restore"), json!({})).await.json()["data"].clone();
    assert_eq!((&restored["is_active"], &restored["deleted_at"]), (&json!(false), &Value::Null));
    assert_eq!(app.put(&alma, &at("/status"), json!({"is_active": true})).await.status, 200);
    app.log_in("Ada").await;
    assert_eq!(
        act(&app, &alma, "DELETE", &format!("/users/{}", ada.id), json!({"hard_delete": true})).await.status,
        200
    );
    assert_eq!(app.get(&alma, &at("")).await.status, 404);
    app.register("Ada").await;
    app.take_letters_back().await;
}

#[tokio::test]
async fn the_last_administrator_stays_whatever_is_tried() {
    let app = TestApp::start().await;
    let alma = app.register_as("Alma", Role::Admin).await;
    let inactive = app.register_as("Ines", Role::Admin).await;
    app.change(inactive.id, "update users set is_active = false where id = $1").await;
    let conflict = (409, "CONFLICT".to_owned());
    let demote = json!({"role": "user"});
    assert_eq!(app.put(&alma, &format!("/api/v1/users/{}/role", alma.id), demote.clone()).await.refusal(), conflict);
    let delete = json!({"password": PASSWORD, "confirmation": "DELETE"});
    assert_eq!(act(&app, &alma, "DELETE", "/users/me", delete).await.refusal(), conflict);

    // Of two who take the role from each other at once, one keeps it.
    for round in 0..20 {
        let other = app.register_as(&format!("Bella-{round}"), Role::Admin).await;
        let paths = [other.id, alma.id].map(|id| format!("/api/v1/users/{id}/role"));
        let (one, two) =
            tokio::join!(app.put(&alma, &paths[0], demote.clone()), app.put(&other, &paths[1], demote.clone()));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert!(statuses[0] == 200 && matches!(statuses[1], 403 | 409), "{statuses:?}");
        let admins: i64 = sqlx::query_scalar("select count(*) from users where role = 'admin' and is_active")
            .fetch_one(&app.app.db)
            .await
            .unwrap();
        assert_eq!(admins, 1);
        app.make(&alma, Role::Admin).await;
        app.make(&other, Role::User).await;
    }
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_password_that_somebody_else_has_set_must_be_changed_before_anything_else() {
    let app = TestApp::start().await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let reset = json!({"new_password": NEW_PASSWORD, "reason": "forgot it"});
    assert_eq!(app.post(&grace, &format!("/api/v1/users/{}/reset-password", ada.id), reset).await.status, 200);
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401, "the sessions have ended");

    let login = json!({"username": "Ada", "password": NEW_PASSWORD});
    let token = app.send("/api/v1/auth/login", login).await.data()["session_token"].as_str().unwrap().to_owned();
    let ada = Person { token, ..ada };
    let required = (403, "PASSWORD_CHANGE_REQUIRED".to_owned());
    assert_eq!(app.get(&ada, "/api/v1/tasks").await.refusal(), required);
    assert_eq!(app.put(&ada, "/api/v1/users/me/profile", json!({"username": "Eve"})).await.refusal(), required);
    assert_eq!(app.get(&ada, "/api/v1/users/me/profile").await.status, 200);
    assert_eq!(
        app.put(&ada, "/api/v1/users/me/password", passwords(NEW_PASSWORD, "a-third-Secret-3")).await.status,
        200
    );
    assert_eq!(app.get(&ada, "/api/v1/tasks").await.status, 200);
    app.take_letters_back().await;
}

#[tokio::test]
async fn the_list_is_searched_filtered_sorted_and_read_part_by_part() {
    let app = TestApp::start().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    for name in ["Ada", "Bob", "Bobby"] {
        app.register(name).await;
    }
    app.register_as("Alma", Role::Admin).await;
    let names = async |query: &str| -> Vec<String> {
        let listed = app.get(&grace, &format!("/api/v1/users?{query}")).await.data();
        listed.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("").await, ["Bobby", "Bob", "Ada", "Grace"], "no administrators for a moderator");
    assert_eq!(names("search=BOB&sort=username").await, ["Bob", "Bobby"]);
    assert_eq!(names("search=%25").await, [""; 0], "no pattern");
    assert_eq!(names("role=moderator").await, ["Grace"]);
    let first = app.get(&grace, "/api/v1/users?limit=3&search=b").await;
    assert_eq!(first.header("x-total-count"), "2");
    let first = app.get(&grace, "/api/v1/users?limit=3").await;
    let next = first.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    assert_eq!(app.get(&grace, &next).await.data()[0]["username"], "Grace");
    for bad in ["role=king", "status=gone", "sort=age", "limit=-1"] {
        assert_eq!(app.get(&grace, &format!("/api/v1/users?{bad}")).await.status, 400, "{bad}");
    }
    app.take_letters_back().await;
}

#[tokio::test]
async fn what_is_done_to_people_is_in_the_audit_log_with_the_rule_that_allowed_it() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    app.put(&alma, &format!("/api/v1/users/{}/role", ada.id), json!({"role": "moderator", "reason": "helps"})).await;
    app.put(&ada, "/api/v1/users/me/profile", json!({"username": "Countess"})).await;

    let log = app.get(&alma, "/api/v1/admin/audit-log").await.data();
    let row = |place: usize| {
        let row = &log[place];
        (row["action"].clone(), row["actor_name"].clone(), row["subject"].clone(), row["rule"].clone())
    };
    let id = json!(ada.id);
    assert_eq!(row(0), (json!("user.edit"), json!("Countess"), id.clone(), json!("EditProfile Own moderator")));
    assert_eq!(row(1), (json!("user.set_role"), json!("Alma"), id, json!("SetUserRole Below admin")));
    assert_eq!(log[1]["details"], json!({"from": "user", "to": "moderator", "reason": "helps"}));
    let filtered = app.get(&alma, &format!("/api/v1/admin/audit-log?action=user.edit&actor={}", ada.id)).await.data();
    assert_eq!(filtered.as_array().unwrap().len(), 1);
    let change = sqlx::query("update audit_log set action = 'nothing'").execute(&app.app.db).await;
    assert!(change.is_err(), "append-only");
    app.take_letters_back().await;
}

#[tokio::test]
async fn an_administrator_counts_people_and_makes_accounts_of_any_role() {
    let app = TestApp::start().await;
    let alma = app.register_as("Alma", Role::Admin).await;
    let mut new = account("Grace");
    new["role"] = json!("moderator");
    let made = act(&app, &alma, "POST", "/users", new.clone()).await.json()["data"].clone();
    assert_eq!(made["role"], "moderator");
    assert_eq!(act(&app, &alma, "POST", "/users", new.clone()).await.status, 409);
    app.change(alma.id, "update sessions set sudo_until = now() where user_id = $1").await;
    assert_eq!(act(&app, &alma, "POST", "/users", new.clone()).await.refusal().1, "REAUTHENTICATION_REQUIRED");
    new["role"] = json!("king");
    assert_eq!(act(&app, &alma, "POST", "/users", new).await.status, 422);
    let stats = app.get(&alma, "/api/v1/admin/users/stats").await.data();
    assert_eq!((&stats["total_users"], &stats["active_users"]), (&json!(2), &json!(2)));
    assert_eq!(stats["by_role"], json!({"user": 0, "moderator": 1, "admin": 1}));
    assert_eq!(stats["recent_registrations"]["last_24h"], 2);
    assert_eq!(Answer::to(app.request(Method::GET, "/api/v1/admin/health").bearer_auth(&alma.token)).await.status, 200);
    app.take_letters_back().await;
}
