//! The password once more.

use model::users::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestApp};

#[tokio::test]
async fn a_wrong_password_confirms_nothing_and_the_right_one_does_for_ten_minutes() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.change(ada.id, "update sessions set sudo_until = now() where user_id = $1").await;
    let is_confirmed = async || -> bool {
        let query =
            "select sudo_until between now() + interval '9 minutes' and now() + interval '10 minutes' from sessions";
        sqlx::query_scalar(query).fetch_one(&app.app.db).await.unwrap()
    };

    let wrong = app.post(&ada, "/api/v1/auth/sudo", json!({"password": "not this one"})).await;
    assert_eq!(wrong.refusal(), (401, "INVALID_CREDENTIALS".into()));
    assert!(!is_confirmed().await);
    let right = app.post(&ada, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await;
    assert!(right.data()["sudo_until"].as_str().unwrap().ends_with('Z'));
    assert!(is_confirmed().await);
    assert_eq!(app.send("/api/v1/auth/sudo", json!({"password": PASSWORD})).await.status, 401, "nobody");
}

#[tokio::test]
async fn a_login_counts_as_a_confirmation() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    app.browser_of("Ada").await;
    let query = "select count(*) from sessions where sudo_until > now()";
    let confirmed: i64 = sqlx::query_scalar(query).fetch_one(&app.app.db).await.unwrap();
    assert_eq!(confirmed, 2);
}

#[tokio::test]
async fn a_browser_goes_on_with_a_new_session_and_back_to_where_it_came_from() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.post(&ada, "/api/v1/auth/logout", json!({})).await;
    let browser = app.browser_of("Ada").await;
    app.change(ada.id, "update sessions set sudo_until = null where user_id = $1").await;
    let old: Vec<u8> = sqlx::query_scalar("select token_hash from sessions").fetch_one(&app.app.db).await.unwrap();

    let page = "/account/confirm?to=/account/sessions";
    assert!(browser.open(page).await.text.contains(r#"name="to" value="/account/sessions""#));
    let wrong = [("new[password]", "canary-not-this"), ("to", "/account/sessions")];
    let refused = browser.submit(page, "/api/auth/confirm", &wrong).await;
    assert_eq!(refused.status, 401);
    assert!(!refused.text.contains("canary"), "{}", refused.text);

    let right = [("new[password]", PASSWORD), ("to", "/tasks?status=failed")];
    let confirmed = browser.submit(page, "/api/auth/confirm", &right).await;
    assert_eq!((confirmed.status, confirmed.header("location")), (302, "/tasks?status=failed"));
    let (new, is_confirmed): (Vec<u8>, bool) =
        sqlx::query_as("select token_hash, sudo_until > now() from sessions").fetch_one(&app.app.db).await.unwrap();
    assert!(is_confirmed && new != old, "one session, with a new token");
    assert_eq!(Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await.data()["username"], "Ada");
}

#[tokio::test]
async fn the_way_back_leads_to_no_other_site() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    for evil in
        ["//evil.example", "/\\evil.example", "https://evil.example", "https:evil.example", "/\t/evil.example", ""]
    {
        let fields = [("new[password]", PASSWORD), ("to", evil)];
        let answer = browser.submit("/account/confirm", "/api/auth/confirm", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (302, "/account/sessions"), "{evil:?}");
    }
}

#[tokio::test]
async fn what_gives_power_over_an_account_or_takes_it_away_wants_a_password_that_was_given_lately() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let (alma, grace) = (app.register_as("Alma", Role::Admin).await, app.register_as("Grace", Role::Moderator).await);
    app.save_accounts().await;
    let before = app.accounts().await;
    for person in [&alma, &grace] {
        app.change(person.id, "update sessions set sudo_until = now() where user_id = $1").await;
    }
    let of_ada = |what: &str| format!("/api/v1/users/{}{what}", ada.id);
    let reset = json!({"new_password": "another-Secret-9"});
    let doors = [
        (&alma, Method::PUT, of_ada("/profile"), json!({"email": "countess@example.com"})),
        (&alma, Method::PUT, of_ada("/profile"), json!({"email_verified": true})),
        (&alma, Method::PUT, of_ada("/role"), json!({"role": "moderator"})),
        (&alma, Method::POST, of_ada("/impersonate"), json!({"reason": "asked"})),
        (&grace, Method::POST, of_ada("/reset-password"), reset.clone()),
        (&alma, Method::POST, of_ada("/reset-password"), reset),
        (
            &alma,
            Method::POST,
            "/api/v1/users/bulk".into(),
            json!({"action": "delete", "ids": [bob.id], "dry_run": false}),
        ),
        (&alma, Method::DELETE, of_ada(""), json!({})),
        (&alma, Method::DELETE, of_ada(""), json!({"hard_delete": true})),
    ];
    let send = async |(person, method, path, body): &(&Person, Method, String, Value)| {
        Answer::to(app.request(method.clone(), path).bearer_auth(&person.token).json(body)).await
    };
    for door in &doors {
        assert_eq!(send(door).await.refusal(), (403, "REAUTHENTICATION_REQUIRED".into()), "{} {}", door.1, door.2);
    }
    assert_eq!(app.accounts().await, before);
    let same = json!({"username": "Countess", "email": "ada@example.com", "email_verified": false});
    assert_eq!(app.put(&alma, &of_ada("/profile"), same).await.status, 200, "the email stays");

    for person in [&alma, &grace] {
        app.post(person, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await.data();
    }
    for door in &doors {
        // A role of her own keeps the moderator from Ada's password.
        app.change(ada.id, "update users set role = 'user' where id = $1").await;
        assert_eq!(send(door).await.status, 200, "{} {}", door.1, door.2);
    }
    app.take_letters_back().await;
}

#[tokio::test]
async fn an_administrator_is_led_to_the_password_and_back_and_then_deletes_the_account() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    app.post(&alma, "/api/v1/auth/logout", json!({})).await.data();
    let browser = app.browser_of("Alma").await;
    app.change(alma.id, "update sessions set sudo_until = null where user_id = $1").await;
    let (page, id) = (format!("/users/{}", ada.id), ada.id.to_string());
    let wish = [("id", id.as_str()), ("new[hard_delete]", "false"), ("new[reason]", "left the company")];
    let refused = browser.submit(&page, "/api/users/delete", &wish).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains(&format!("/account/confirm?to={page}\"")), "{}", refused.text);
    assert!(refused.text.contains(r#"value="left the company""#), "{}", refused.text);

    let confirm = [("new[password]", PASSWORD), ("to", page.as_str())];
    let confirmed = browser.submit("/account/confirm", "/api/auth/confirm", &confirm).await;
    assert_eq!(confirmed.header("location"), page);
    let deleted = browser.submit(&page, "/api/users/delete", &wish).await;
    assert_eq!(deleted.header("location"), format!("{page}?done=deleted"));
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);
}
