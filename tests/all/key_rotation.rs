//! Another key for the secrets of second factors.

use futures::future::join_all;
use model::users::Role;
use serde_json::json;
use server::auth::two_factor::{self, Secrets};
use server::{Actor, Config, Error};

use crate::support::program::run;
use crate::support::{ENCRYPTION_KEY, TestApp};

const NEW_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";
const STRANGE_KEY: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

fn keys<'a>(current: &'a str, former: &'a [&'a str]) -> impl FnOnce(&mut Config) + 'a {
    move |config| {
        config.auth.encryption_key = Some(current.into());
        config.auth.former_encryption_keys = former.iter().map(|key| (*key).into()).collect();
    }
}

/// Whether it succeeded, and what was said.
async fn command(app: &TestApp, args: &[&str], current: &str, former: &str) -> (bool, String) {
    let settings = [
        ("DATABASE_URL", app.database_url.as_str()),
        ("STARTER__AUTH__ENCRYPTION_KEY", current),
        ("STARTER__AUTH__FORMER_ENCRYPTION_KEYS", former),
    ];
    let output = run(args, &settings).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

async fn stored(app: &TestApp) -> Vec<Vec<u8>> {
    let all = sqlx::query_scalar("select secret from two_factor order by user_id");
    all.fetch_all(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn a_new_key_takes_over_from_the_former_one_step_by_step() {
    let app = TestApp::start().await;
    let (ada, bob, alma) =
        (app.register("Ada").await, app.register("Bob").await, app.register_as("Alma", Role::Admin).await);
    let ((ada_phone, _), (bob_phone, _)) = (app.switch_on(&ada).await, app.switch_on(&bob).await);

    let both = app.beside(keys(NEW_KEY, &[STRANGE_KEY, ENCRYPTION_KEY])).await;
    assert_eq!(both.log_in_with("Ada", Some(&ada_phone.code())).await.status, 200, "a former key is read");
    let grace = both.register("Grace").await;
    both.switch_on(&grace).await;
    let (is_good, said) = command(&app, &["doctor"], NEW_KEY, ENCRYPTION_KEY).await;
    assert!(!is_good && said.contains("1 have today's key, 2 a former one, 0 none"), "{said}");

    let rotate = ["admin", "rotate-encryption-key"];
    let before = stored(&app).await;
    let (is_good, said) = command(&app, &rotate, NEW_KEY, &format!("{STRANGE_KEY}, {ENCRYPTION_KEY}")).await;
    assert!(is_good && said.contains("encrypted 2 secret(s) anew; 1 had today's key"), "{said}");
    let after = stored(&app).await;
    assert_eq!(before.iter().filter(|secret| after.contains(secret)).count(), 1, "hers has the new key already");
    let (is_good, said) = command(&app, &rotate, NEW_KEY, "").await;
    assert!(is_good && said.contains("encrypted 0 secret(s) anew; 3 had today's key"), "{said}");
    assert_eq!(stored(&app).await, after);
    let (_, said) = command(&app, &["doctor"], NEW_KEY, "").await;
    assert!(said.contains("3 have today's key, 0 a former one, 0 none"), "{said}");

    let alone = app.beside(keys(NEW_KEY, &[])).await;
    assert_eq!(alone.log_in_with("Bob", Some(&bob_phone.code())).await.status, 200);
    assert_eq!(app.log_in_with("Ada", Some(&ada_phone.code())).await.status, 500, "the former key opens nothing now");
    let log = app.get(&alma, "/api/v1/admin/audit-log?action=two_factor.rotate_key").await.data();
    let entry = &log[0];
    assert_eq!((log.as_array().unwrap().len(), &entry["details"]), (1, &json!({"secrets": 2})));
    assert_eq!((&entry["actor_name"], &entry["subject"]), (&json!("command line"), &json!("auth.encryption_key")));
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_secret_whose_key_is_not_known_is_left_alone_and_told_of() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.switch_on(&ada).await;
    let before = stored(&app).await;
    let (is_good, said) = command(&app, &["admin", "rotate-encryption-key"], NEW_KEY, STRANGE_KEY).await;
    assert!(!is_good && said.contains("1 open with no key that is configured"), "{said}");
    let (is_good, said) = command(&app, &["doctor"], NEW_KEY, STRANGE_KEY).await;
    assert!(!is_good && said.contains("Add the key of before to auth.former_encryption_keys"), "{said}");
    assert_eq!(stored(&app).await, before);
}

#[tokio::test]
async fn logins_go_on_while_the_secrets_are_encrypted_anew() {
    let app = TestApp::with(|config| config.auth.hash_concurrency = 4).await;
    let names = ["Ada", "Bob", "Grace", "Alma", "Zora", "Olga"];
    let mut phones = Vec::new();
    for name in names {
        let person = app.register(name).await;
        phones.push(app.switch_on(&person).await.0);
    }
    let both = app.beside(keys(NEW_KEY, &[ENCRYPTION_KEY])).await;
    let codes: Vec<_> = phones.iter().map(|phone| phone.code()).collect();
    let logins = join_all(names.iter().zip(&codes).map(|(name, code)| both.log_in_with(name, Some(code))));
    let actor = Actor::command_line();
    let (answers, rotated) = tokio::join!(logins, two_factor::rotate_encryption_key(&both.app, &actor));
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200; 6]);
    assert_eq!(rotated.unwrap(), Secrets { current: 0, former: 6, lost: 0 });
    assert_eq!(two_factor::secrets(&both.app).await.unwrap(), Secrets { current: 6, former: 0, lost: 0 });
}

#[tokio::test]
async fn only_administrators_may_do_it() {
    let app = TestApp::start().await;
    for role in [Role::User, Role::Moderator] {
        let mut actor = Actor::command_line();
        actor.user.role = role;
        let refused = two_factor::rotate_encryption_key(&app.app, &actor).await;
        assert!(matches!(refused, Err(Error::Problem(model::Problem::Forbidden))), "{refused:?}");
    }
}
