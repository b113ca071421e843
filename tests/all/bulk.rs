//! One change for many people, by REST and by the page.

use model::rbac::{Relation, allowed};
use model::users::Role;
use model::users::bulk::BulkAction;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, PASSWORD, TestApp};

const BULK: &str = "/api/v1/users/bulk";

/// An action, the door that does the same to one person, and what that is sent.
fn actions() -> [(&'static str, &'static str, &'static str, Value); 7] {
    [
        ("enable", "PUT", "/status", json!({"is_active": true})),
        ("disable", "PUT", "/status", json!({"is_active": false})),
        ("end_sessions", "DELETE", "/sessions", json!({})),
        ("require_password_change", "POST", "/require-password-change", json!({})),
        ("set_role", "PUT", "/role", json!({"role": "moderator"})),
        ("delete", "DELETE", "", json!({})),
        ("restore", "POST", "/restore", json!({})),
    ]
}

fn wish(action: &str, ids: &[Uuid], dry_run: bool) -> Value {
    let role = if action == "set_role" { json!("moderator") } else { Value::Null };
    json!({"action": action, "ids": ids, "role": role, "reason": "spring cleaning", "dry_run": dry_run})
}

async fn audited(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from audit_log").fetch_one(&app.app.db).await.unwrap()
}

/// Code of the refusal of each, in the order of the request; empty where there is none.
fn codes(result: &Value) -> Vec<String> {
    let people = result["people"].as_array().unwrap_or_else(|| panic!("{result}"));
    people.iter().map(|one| one["refused"]["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn each_of_many_is_answered_and_changed_as_one_alone_and_a_dry_run_says_so_before() {
    for role in Role::ALL {
        let app = TestApp::start().await;
        let actor = app.register_as("Alma", role).await;
        let people = app.somebody_of_each_kind().await;
        let ids: Vec<Uuid> = people.iter().map(|one| one.id).collect();
        app.save_accounts().await;
        for (action, method, door, body) in actions() {
            let before = app.accounts().await;
            let dry = app.post(&actor, BULK, wish(action, &ids, true)).await;
            let cell = format!("{action} by {role:?}: {}", dry.text);
            assert_eq!(app.accounts().await, before, "{cell}");

            let mut expected = Vec::new();
            for person in &people {
                let path = format!("/api/v1/users/{}{door}", person.id);
                let request = app.request(method.parse().unwrap(), &path).bearer_auth(&actor.token);
                let answer = Answer::to(if door == "/restore" { request } else { request.json(&body) }).await;
                expected.push(if answer.status == 200 { String::new() } else { answer.refusal().1 });
            }
            let alone = app.accounts().await;
            app.put_accounts_back().await;
            if is_for_nobody(role, action) {
                assert_eq!(dry.refusal(), (403, "FORBIDDEN".into()), "{cell}");
                assert_eq!(app.post(&actor, BULK, wish(action, &ids, false)).await.status, 403, "{cell}");
                assert!(expected.iter().all(|code| code == "FORBIDDEN"), "{cell}: {expected:?}");
                continue;
            }
            assert_eq!(codes(&dry.data()), expected, "{cell}");
            let (rows, done) = (audited(&app).await, app.post(&actor, BULK, wish(action, &ids, false)).await.data());
            assert_eq!(codes(&done), expected, "{cell}");
            assert_eq!(audited(&app).await - rows, done["done"].as_i64().unwrap(), "{cell}: the audit log");
            assert_eq!(app.accounts().await, alone, "{cell}");
            app.put_accounts_back().await;
        }
        app.take_letters_back().await;
    }
}

/// Whether one of this role may do it to nobody at all.
fn is_for_nobody(role: Role, action: &str) -> bool {
    let action = BulkAction::ALL.into_iter().find(|one| one.name() == action).expect("an action");
    Role::ALL.into_iter().all(|to| !allowed(role, action.permission(), Relation::to_person(role, to)))
}

#[tokio::test]
async fn a_moderator_changes_users_only_and_whom_they_may_not_read_has_no_name() {
    let app = TestApp::start().await;
    let (grace, mia) = (app.register_as("Grace", Role::Moderator).await, app.register_as("Mia", Role::Moderator).await);
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let nobody = Uuid::from_u128(7);
    let ids = [ada.id, mia.id, alma.id, nobody, grace.id, ada.id];
    let before = app.accounts().await;
    let dry = app.post(&grace, BULK, wish("disable", &ids, true)).await.data();
    assert_eq!((&dry["dry_run"], &dry["done"], &dry["refused"]), (&json!(true), &json!(1), &json!(4)));
    assert_eq!((app.accounts().await, audited(&app).await), (before, 0), "nothing has changed");

    let answer = app.post(&grace, BULK, wish("disable", &ids, false)).await;
    assert_eq!(answer.json()["message"], "1 done, 4 refused");
    let done = answer.data();
    assert_eq!(codes(&done), ["", "FORBIDDEN", "USER_NOT_FOUND", "USER_NOT_FOUND", "CONFLICT"], "Ada counts once");
    let names: Vec<_> = done["people"].as_array().unwrap().iter().map(|one| one["username"].clone()).collect();
    assert_eq!(names, [json!("Ada"), json!("Mia"), Value::Null, Value::Null, json!("Grace")]);
    assert_eq!(done["people"][1]["refused"]["message"], "You are not allowed to do this");
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);
    assert_eq!(app.get(&mia, "/api/v1/auth/me").await.status, 200);

    let log = app.get(&alma, "/api/v1/admin/audit-log").await.data();
    assert_eq!(log.as_array().unwrap().len(), 1, "{log}");
    assert_eq!((&log[0]["action"], &log[0]["subject"]), (&json!("user.set_status"), &json!(ada.id)));
    assert_eq!(log[0]["details"], json!({"is_active": false, "reason": "spring cleaning"}));
    assert_eq!(log[0]["rule"], "SetUserStatus Below moderator");
}

#[tokio::test]
async fn a_request_has_1_to_200_people_a_known_action_and_what_that_needs() {
    let app = TestApp::start().await;
    let alma = app.register_as("Alma", Role::Admin).await;
    let many: Vec<Uuid> = (0..201).map(Uuid::from_u128).collect();
    for (bad, field) in [
        (wish("enable", &[], true), "ids"),
        (wish("enable", &many, true), "ids"),
        (json!({"action": "enable"}), "ids"),
        (json!({"action": "set_role", "ids": [alma.id]}), "role"),
        (json!({"action": "delete", "ids": [alma.id], "reason": "x".repeat(501)}), "reason"),
    ] {
        assert_eq!(app.post(&alma, BULK, bad.clone()).await.fields(), [field], "{bad}");
    }
    for bad in [json!({"action": "promote", "ids": []}), json!({"action": "enable", "ids": ["x"]}), json!({"ids": []})]
    {
        assert_eq!(app.post(&alma, BULK, bad.clone()).await.status, 422, "{bad}");
    }
    let all = app.post(&alma, BULK, wish("delete", &many[..200], false)).await.data();
    assert_eq!((&all["done"], &all["refused"]), (&json!(0), &json!(200)));
}

#[tokio::test]
async fn another_role_and_deletion_want_a_password_that_was_given_lately_also_for_a_dry_run() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    app.change(alma.id, "update sessions set sudo_until = now() where user_id = $1").await;
    let wanted = (403, "REAUTHENTICATION_REQUIRED".to_owned());
    for dry_run in [true, false] {
        for action in ["set_role", "delete"] {
            assert_eq!(app.post(&alma, BULK, wish(action, &[ada.id], dry_run)).await.refusal(), wanted, "{action}");
        }
        assert_eq!(app.post(&alma, BULK, wish("disable", &[alma.id], dry_run)).await.status, 200);
    }
    app.post(&alma, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await.data();
    let done = app.post(&alma, BULK, wish("set_role", &[ada.id, alma.id], false)).await.data();
    assert_eq!(codes(&done), ["", "CONFLICT"], "not the own one, which the table allows");
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.data()["role"], "moderator");
    assert_eq!(codes(&app.post(&alma, BULK, wish("delete", &[ada.id], false)).await.data()), [""]);
}

#[tokio::test]
async fn whoever_has_to_choose_another_password_does_so_and_goes_on_in_the_same_session() {
    let app = TestApp::start().await;
    let (grace, ada) = (app.register_as("Grace", Role::Moderator).await, app.register("Ada").await);
    let asked = app.post(&grace, &format!("/api/v1/users/{}/require-password-change", ada.id), json!({})).await;
    assert_eq!(asked.json()["message"], "Another password has to be chosen");
    assert_eq!(app.get(&ada, "/api/v1/tasks").await.refusal(), (403, "PASSWORD_CHANGE_REQUIRED".into()));
    let passwords = json!({"current_password": PASSWORD, "new_password": "another fine passphrase"});
    assert_eq!(app.put(&ada, "/api/v1/users/me/password", passwords).await.status, 200);
    assert_eq!(app.get(&ada, "/api/v1/tasks").await.status, 200);
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_browser_without_javascript_chooses_confirms_and_sees_what_became_of_each() {
    let app = TestApp::start().await;
    let (ada, mia) = (app.register("Ada").await, app.register_as("Mia", Role::Moderator).await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let browser = app.browser_of("Grace").await;
    let list = browser.open("/users").await.text;
    assert!(list.contains(r#"aria-label="Choose Ada""#) && list.contains(r#"action="/users/bulk""#), "{list}");
    for name in ["Mia", "Grace"] {
        assert!(!list.contains(&format!(r#"aria-label="Choose {name}""#)), "nothing can be done to {name}: {list}");
    }
    assert!(list.contains("Require a new password") && !list.contains("Make moderators"), "{list}");
    assert!(!ticked(&list), "{list}");
    assert!(ticked(&browser.open("/users?ticked=all").await.text));

    let page = format!("/users/bulk?do=disable&id={}&id={}&id={}", ada.id, mia.id, grace.id);
    let preview = browser.open(&page).await;
    assert_eq!(preview.status, 200);
    for said in ["Will be changed", "Do it for 1 person", "Will stay as they are", "You are not allowed to do this"] {
        assert!(preview.text.contains(said), "{said}: {}", preview.text);
    }
    let sent = format!(r#"name="new[ids][0]" value="{}""#, ada.id);
    assert!(preview.text.contains(&sent) && !preview.text.contains("new[ids][1]"), "{}", preview.text);
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 200, "nothing has happened yet");

    let id = ada.id.to_string();
    let long = "x".repeat(501);
    let fields = |reason| [("new[action]", "disable"), ("new[ids][0]", &id), ("new[reason]", reason)];
    let refused = browser.submit(&page, "/api/users/bulk", &fields(&long)).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("must have at most 500 characters"), "{}", refused.text);
    let done = browser.submit(&page, "/api/users/bulk", &fields("spam")).await;
    assert_eq!(done.status, 200);
    assert!(done.text.contains("1 changed, 0 refused.") && !done.text.contains("Do it for"), "{}", done.text);
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);

    for (address, said) in [
        ("/users/bulk", "Nobody was chosen."),
        ("/users/bulk?do=disable", "Nobody was chosen."),
        (&format!("/users/bulk?do=promote&id={id}"), "Nobody was chosen."),
        (&format!("/users/bulk?do=disable&id={}", mia.id), "Nobody of them can be changed."),
    ] {
        let page = browser.open(address).await;
        assert!(page.text.contains(said) && !page.text.contains("Do it for"), "{address}: {}", page.text);
    }
    let role = browser.open(&format!("/users/bulk?do=set_role.admin&id={id}")).await;
    assert_eq!(role.status, 403, "{}", role.text);
}

fn ticked(page: &str) -> bool {
    let boxes = page.split("<input").filter(|input| input.contains(r#"name="id""#));
    let mut boxes = boxes.map(|input| input.split('>').next().unwrap_or_default().contains(" checked"));
    boxes.next().expect("a box")
}

#[tokio::test]
async fn the_page_leads_to_the_password_where_it_has_to_be_confirmed_and_back() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    app.post(&alma, "/api/v1/auth/logout", json!({})).await.data();
    let browser = app.browser_of("Alma").await;
    app.change(alma.id, "update sessions set sudo_until = null where user_id = $1").await;
    let page = format!("/users/bulk?do=set_role.moderator&id={}", ada.id);
    let asked = browser.open(&page).await;
    assert_eq!(asked.status, 403);
    let to = page.replace('&', "%26");
    assert!(asked.text.contains(&format!("/account/confirm?to={}", to.replace('&', "&amp;"))), "{}", asked.text);
    let confirm = [("new[password]", PASSWORD), ("to", page.as_str())];
    let confirmed = browser.submit("/account/confirm", "/api/auth/confirm", &confirm).await;
    assert_eq!(confirmed.header("location"), page);
    assert!(browser.open(&page).await.text.contains("Make moderators"));
    let id = ada.id.to_string();
    let fields = [("new[action]", "set_role"), ("new[role]", "moderator"), ("new[ids][0]", id.as_str())];
    assert!(browser.submit(&page, "/api/users/bulk", &fields).await.text.contains("1 changed, 0 refused."));
    let me = Answer::to(app.request(Method::GET, "/api/v1/auth/me").bearer_auth(&ada.token)).await;
    assert_eq!(me.data()["role"], "moderator");
}
