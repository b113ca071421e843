//! One action on all tasks that a filter leaves, by a task in the background.

use model::tasks::{DeadReason, RetryStrategy, TaskStatus};
use model::users::Role;
use serde_json::{Value, json};
use server::tasks::kinds::Policy;
use server::tasks::{testing, worker};
use sqlx::Connection;
use uuid::Uuid;

use crate::support::kinds::Step::{self, Fatal, RetryAfterAnHour};
use crate::support::kinds::{script, scripted};
use crate::support::tasks::{BULK, delay, sum, tomorrow};
use crate::support::{Person, TestApp, within_patience};

async fn app() -> TestApp {
    let retry = RetryStrategy::Fixed { interval: 0.0, max_attempts: 2 };
    TestApp::with_kinds(scripted(Policy { retry, ..Policy::default() }), |_| ()).await
}

async fn two(app: &TestApp) -> (Person, Person) {
    (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await)
}

async fn dead(app: &TestApp, person: &Person) -> Uuid {
    let id = app.queue(person, script(&[Fatal])).await;
    app.work().await;
    assert_eq!(app.stored(id).await.status, TaskStatus::Failed);
    id
}

/// Rows of the dead letter beside the queue: it would take too long to run them.
async fn many_dead(app: &TestApp, owner: &Person, count: i32) {
    let add = "insert into dead_tasks (id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version,
            errors, created_by, created_at, finished_at)
        select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, (select id from task_types where name = 'script'), 0, 'fatal', 1, 1, 1,
            0, '{\"steps\": [\"ok\"]}', 1, '[]', $1, now(), now() - interval '1 second'
        from generate_series(1, $2) n";
    sqlx::query(add).bind(owner.id).bind(count).execute(&app.app.db).await.expect("the rows");
}

async fn audited(app: &TestApp, action: &str) -> Vec<Value> {
    let rows = "select jsonb_build_object('by', actor_id, 'details', details, 'rule', rule) from audit_log where action = $1 order by id";
    sqlx::query_scalar(rows).bind(action).fetch_all(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn an_operator_replays_or_cancels_many_at_once_after_a_look() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    for _ in 0..3 {
        app.queue(&ada, script(&[Fatal])).await;
    }
    app.work().await;
    let other = app.queue(&ada, tomorrow(sum(&[9]))).await;

    let look = json!({"action": "retry", "task_type": "script", "dry_run": true});
    let looked = app.post(&grace, BULK, look).await.data();
    assert_eq!(looked, json!({"tasks": 3, "next": null, "dry_run": true, "task_id": null}));
    assert_eq!(app.work().await, 0, "a look changes nothing");
    let done = app.act_on_many(&grace, json!({"action": "retry", "task_type": "script"})).await;
    assert_eq!(done, json!({"matched": 3, "done": 3, "refused": 0}));
    let waiting = json!({"action": "cancel", "dry_run": true});
    assert_eq!(app.post(&grace, BULK, waiting).await.data()["tasks"], 4);
    assert_eq!(app.act_on_many(&grace, json!({"action": "cancel", "task_type": "script"})).await["done"], 3);
    assert_eq!(app.work().await, 0);
    assert_eq!(app.stored(other).await.status, TaskStatus::Pending, "the other type is left alone");
    let asked = audited(&app, "tasks.bulk").await;
    assert_eq!((asked.len(), &asked[0]["by"]), (2, &json!(grace.id)));
    let batches = audited(&app, "tasks.bulk.batch").await;
    assert_eq!((batches.len(), &batches[0]["details"]["done"]), (2, &json!(3)));
    assert_eq!(batches[0]["rule"], "RetryTask Other moderator");
    let ended = app.post(&grace, BULK, json!({"action": "cancel", "status": "failed"})).await;
    assert_eq!(ended.fields(), ["status"]);
    let nobody = app.post(&grace, BULK, json!({"action": "cancel", "owner": "Nobody"})).await;
    assert_eq!(nobody.refusal(), (400, "INVALID_INPUT".into()));
    app.leaves_tasks(1);
}

#[tokio::test]
async fn all_that_wait_for_their_next_attempt_make_it_at_once_and_what_was_asked_for_later_waits() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    for _ in 0..3 {
        app.queue(&ada, script(&[RetryAfterAnHour, Step::Ok])).await;
    }
    assert_eq!(app.work().await, 3);
    let later = app.queue(&ada, tomorrow(script(&[Step::Ok]))).await;
    let wish = json!({"action": "run_now", "owner": "Ada"});
    assert_eq!(app.act_on_many(&grace, wish).await, json!({"matched": 3, "done": 3, "refused": 0}));
    assert_eq!(app.work().await, 3);
    assert_eq!(app.stored(later).await.status, TaskStatus::Pending);
    let look = json!({"action": "run_now", "dry_run": true});
    assert_eq!(app.post(&grace, BULK, look).await.data()["tasks"], 0, "none is left that waits");
    app.leaves_tasks(1);
}

#[tokio::test]
async fn whoever_is_no_moderator_acts_on_the_own_tasks_and_on_nobody_elses() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    let (own, strange) = (dead(&app, &ada).await, dead(&app, &grace).await);
    let look = json!({"action": "retry", "dry_run": true});
    assert_eq!(app.post(&ada, BULK, look.clone()).await.data()["tasks"], 1);
    assert_eq!(app.post(&grace, BULK, look).await.data()["tasks"], 2);
    let of_grace = |dry_run| json!({"action": "retry", "owner": "Grace", "dry_run": dry_run});
    assert_eq!(app.post(&ada, BULK, of_grace(true)).await.data()["tasks"], 0);
    assert_eq!(app.post(&ada, BULK, of_grace(false)).await.status, 400);
    assert_eq!(app.act_on_many(&ada, json!({"action": "retry"})).await, json!({"matched": 1, "done": 1, "refused": 0}));
    let states = [app.stored(own).await.status, app.stored(strange).await.status];
    assert_eq!(states, [TaskStatus::Pending, TaskStatus::Failed]);

    let browser = app.browser_of("Ada").await;
    app.work().await;
    let page = browser.open("/tasks/dead").await.text.replace("<!>", "");
    assert!(
        page.contains("1 task failed for good") && page.contains("/tasks/bulk?status=failed&amp;do=delete"),
        "{page}"
    );
    let asked = browser.submit("/tasks/bulk?do=delete", "/api/tasks/bulk", &[("new[action]", "delete")]).await;
    assert_eq!(asked.status, 302, "{}", asked.text);
    assert_eq!(app.work().await, 1);
    assert_eq!(app.get(&ada, &format!("/api/v1/tasks/{own}")).await.status, 404);
    assert_eq!(app.stored(strange).await.status, TaskStatus::Failed);
}

#[tokio::test]
async fn what_only_became_ready_by_it_is_not_counted_as_cancelled() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    let batch = json!({"tasks": [script(&[Step::Ok])], "callback": sum(&[1])});
    assert_eq!(app.post(&ada, "/api/v1/tasks/batch", batch).await.status, 201);
    assert_eq!(app.act_on_many(&grace, json!({"action": "cancel", "task_type": "script"})).await["done"], 1);
    app.leaves_tasks(1);
}

#[tokio::test]
async fn what_has_ended_is_deleted_by_the_filter_with_its_totals_and_what_it_left() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    let (gone, stays) = (app.queue(&ada, sum(&[1])).await, app.queue(&grace, sum(&[2])).await);
    let waits = app.queue(&ada, tomorrow(delay(0))).await;
    app.work().await;
    let leave = "insert into task_files (task_id, owner, name, content_type, bytes, expires_at) select $1, created_by, 'a', 'b', 'c', 'infinity'
        from task_history where id = $1";
    app.change(gone, leave).await;
    let wish = |dry_run| json!({"action": "delete", "owner": "Ada", "dry_run": dry_run});
    assert_eq!(app.post(&grace, BULK, wish(true)).await.data()["tasks"], 1);
    assert_eq!(app.act_on_many(&grace, wish(false)).await["done"], 1);
    assert_eq!(app.get(&ada, &format!("/api/v1/tasks/{gone}")).await.status, 404);
    assert_eq!(app.get(&grace, &format!("/api/v1/tasks/{stays}")).await.status, 200);
    let files: i64 = sqlx::query_scalar("select count(*) from task_files").fetch_one(&app.app.db).await.unwrap();
    let completed = app.get(&grace, "/api/v1/tasks/stats").await.data()["completed"].clone();
    assert_eq!((files, completed), (0, json!(2)), "with hers and the one that did it");
    assert_eq!(app.post(&grace, BULK, json!({"action": "delete", "status": "pending"})).await.fields(), ["status"]);
    app.cancel(&ada, waits).await;
}

#[tokio::test]
async fn only_what_was_there_when_it_was_asked_for_is_meant_and_never_the_task_itself() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    let old = app.queue(&ada, tomorrow(delay(0))).await;
    let bulk = app.post(&grace, BULK, json!({"action": "cancel"})).await.data()["task_id"].clone();
    let new = app.queue(&ada, tomorrow(delay(0))).await;
    assert_eq!(app.work().await, 1);
    let stands = async |id| app.stored(id).await.status;
    assert_eq!((stands(old).await, stands(new).await), (TaskStatus::Cancelled, TaskStatus::Pending));
    assert_eq!(stands(serde_json::from_value(bulk).unwrap()).await, TaskStatus::Completed);
    app.cancel(&ada, new).await;
}

#[tokio::test]
async fn a_name_that_became_another_ones_still_means_whom_it_meant() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    let (bob, meant) = (app.register("Bob").await, app.queue(&ada, tomorrow(delay(0))).await);
    let not_meant = app.queue(&bob, tomorrow(delay(0))).await;
    app.post(&grace, BULK, json!({"action": "cancel", "owner": "Ada"})).await.data();
    app.change(ada.id, "update users set username = 'Countess' where id = $1").await;
    app.change(bob.id, "update users set username = 'Ada' where id = $1").await;
    app.work().await;
    assert_eq!(app.stored(meant).await.status, TaskStatus::Cancelled);
    assert_eq!(app.stored(not_meant).await.status, TaskStatus::Pending);
    app.cancel(&bob, not_meant).await;
}

#[tokio::test]
async fn a_moderator_runs_no_file_cleanup_again_neither_alone_nor_among_many() {
    let root = std::env::temp_dir().join(format!("starter-bulk-{}", Uuid::now_v7()));
    std::fs::create_dir_all(&root).unwrap();
    let at = root.clone();
    let app = TestApp::with_kinds(scripted(Policy::default()), |config| config.files.cleanup_root = Some(at)).await;
    let (ada, grace) = two(&app).await;
    let alma = app.register_as("Alma", Role::Admin).await;
    let cleanup = json!({"task_type": "file_cleanup", "payload": {"file_path": "nothing"}});
    let (delicate, plain) = (app.queue(&alma, cleanup).await, dead(&app, &ada).await);
    assert_eq!(app.stored(delicate).await.status, TaskStatus::Failed);
    assert_eq!(app.retry(&grace, delicate).await.refusal(), (403, "FORBIDDEN".into()));

    let done = app.act_on_many(&grace, json!({"action": "retry"})).await;
    assert_eq!(done, json!({"matched": 2, "done": 1, "refused": 1}));
    assert_eq!(app.stored(delicate).await.status, TaskStatus::Failed, "not by a moderator");
    assert_eq!(app.stored(plain).await.status, TaskStatus::Pending);
    app.work().await;
    let done = app.act_on_many(&alma, json!({"action": "retry", "task_type": "file_cleanup"})).await;
    assert_eq!(done["done"], 1, "but by an administrator");
    assert_eq!(app.work().await, 1);
    // A key that is good for the queue only is not good for tasks.
    let new = json!({"name": "ci", "scopes": ["queue:operate"]});
    let key = app.post(&alma, "/api/v1/api-keys", new).await.json()["data"]["key"].as_str().unwrap().to_owned();
    let by_key = Person { token: key, ..alma };
    let asked = app.post(&by_key, BULK, json!({"action": "retry", "task_type": "file_cleanup"})).await;
    assert_eq!(asked.refusal(), (403, "FORBIDDEN".into()));
    std::fs::remove_dir_all(root).unwrap();
}

#[tokio::test]
async fn whoever_was_disabled_or_has_lost_the_role_meanwhile_has_nothing_more_done() {
    for change in [
        "update users set is_active = false where id = $1",
        "update users set role = 'user' where id = $1",
        "update users set must_change_password = true where id = $1",
    ] {
        let app = app().await;
        let (ada, grace) = two(&app).await;
        let waits = app.queue(&ada, tomorrow(delay(0))).await;
        let bulk = app.post(&grace, BULK, json!({"action": "cancel"})).await.data()["task_id"].clone();
        app.change(grace.id, change).await;
        assert_eq!(app.work().await, 1);
        let bulk = app.stored(serde_json::from_value(bulk).unwrap()).await;
        assert_eq!((bulk.status, bulk.dead_reason), (TaskStatus::Failed, Some(DeadReason::Fatal)), "{change}");
        assert_eq!(app.stored(waits).await.status, TaskStatus::Pending, "{change}");
        assert_eq!(audited(&app, "tasks.bulk.batch").await, Vec::<Value>::new());
        app.cancel(&ada, waits).await;
    }
}

#[tokio::test]
async fn what_an_administrator_asks_for_as_somebody_else_ends_with_either_of_them() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    app.register_as("Alma", Role::Admin).await;
    let waits = app.queue(&ada, tomorrow(delay(0))).await;
    let browser = app.browser_of("Alma").await;
    let (id, path) = (grace.id.to_string(), format!("/users/{}", grace.id));
    let begun = browser.submit(&path, "/api/users/impersonate", &[("id", &id), ("new[reason]", "asked")]).await;
    assert_eq!(begun.status, 302, "{}", begun.text);
    let asked = browser.submit("/tasks/bulk?do=cancel", "/api/tasks/bulk", &[("new[action]", "cancel")]).await;
    assert_eq!(asked.status, 302, "{}", asked.text);
    sqlx::query("update users set is_active = false where username = 'Alma'").execute(&app.app.db).await.unwrap();
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(waits).await.status, TaskStatus::Pending);
    app.cancel(&ada, waits).await;
}

#[tokio::test]
async fn an_attempt_goes_on_where_the_one_before_has_ended() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    many_dead(&app, &ada, 1200).await;
    // The second batch is refused by the database: all of it, with its row of the audit log.
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin
            if (select count(*) from audit_log where action = 'tasks.bulk.batch') = 1 then raise exception 'no luck'; end if; return new;
        end $$;
        create trigger refuse before insert on audit_log for each row when (new.action = 'tasks.bulk.batch') execute function refuse()";
    sqlx::raw_sql(refuse).execute(&app.app.db).await.unwrap();
    let wish = json!({"action": "delete", "task_type": "script"});
    let bulk = app.post(&grace, BULK, wish).await.data()["task_id"].clone();
    let bulk: Uuid = serde_json::from_value(bulk).unwrap();
    testing::run_one(&app.app).await.unwrap().expect("it is ready");
    let left = async || app.get(&grace, "/api/v1/tasks/stats").await.data()["failed"].clone();
    assert_eq!((app.stored(bulk).await.status, left().await), (TaskStatus::Retrying, json!(700)));
    assert_eq!(app.errors(bulk).await, ["The database did not do it"], "and not in the words of PostgreSQL");

    sqlx::raw_sql("drop trigger refuse on audit_log").execute(&app.app.db).await.unwrap();
    app.pass_time(std::time::Duration::from_secs(400)).await;
    app.work().await;
    let done = app.stored(bulk).await;
    assert_eq!(done.result, Some(json!({"matched": 1200, "done": 1200, "refused": 0})));
    let batches = audited(&app, "tasks.bulk.batch").await;
    let counts: Vec<_> = batches.iter().map(|one| one["details"]["done"].clone()).collect();
    assert_eq!((counts, left().await), (vec![json!(500), json!(500), json!(200)], json!(0)));
}

#[tokio::test]
async fn it_is_told_to_stop_between_two_batches_and_tells_how_far_it_came() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    many_dead(&app, &ada, 4000).await;
    // The second batch waits until the test lets it go on.
    let wait = "create function wait() returns trigger language plpgsql as $$ begin
            if (select count(*) from audit_log where action = 'tasks.bulk.batch') = 1 then perform pg_advisory_xact_lock(4711); end if; return new;
        end $$;
        create trigger wait before insert on audit_log for each row when (new.action = 'tasks.bulk.batch') execute function wait()";
    sqlx::raw_sql(wait).execute(&app.app.db).await.unwrap();
    let mut lock = sqlx::PgConnection::connect(&app.database_url).await.unwrap();
    sqlx::query("select pg_advisory_lock(4711)").execute(&mut lock).await.unwrap();
    let worker = tokio::spawn(worker::run(app.app.clone()));
    let bulk = app.post(&grace, BULK, json!({"action": "delete", "status": "failed"})).await.data()["task_id"].clone();
    let bulk: Uuid = serde_json::from_value(bulk).unwrap();
    let mut changes = app.app.live.subscribe();
    within_patience("the first batch", async {
        while app.stored(bulk).await.progress.is_none() {
            drop(changes.recv().await);
        }
    })
    .await;
    let progress = app.stored(bulk).await.progress.unwrap();
    assert_eq!(progress.message.as_deref(), Some("500 of 4000 done, 0 refused"));
    assert!((12.0..13.0).contains(&progress.percent), "{progress:?}");
    assert_eq!(app.cancel(&grace, bulk).await.data(), "The task was told to stop");
    sqlx::query("select pg_advisory_unlock(4711)").execute(&mut lock).await.unwrap();
    let stopped = app.until(bulk, TaskStatus::Cancelled).await;
    let result = stopped.result.unwrap();
    let done = result["done"].as_i64().unwrap();
    // The word to stop is heard in the middle of a batch, on a busy machine of a later one.
    assert!(done < 4000 && done % 500 == 0, "{result}");
    assert_eq!(app.get(&grace, "/api/v1/tasks/stats").await.data()["failed"], 4000 - done);
    app.app.stopping.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_look_with_a_text_counts_on_in_parts() {
    let app = app().await;
    let (ada, grace) = two(&app).await;
    many_dead(&app, &ada, 6000).await;
    let look = |after: &Value| json!({"action": "retry", "text": "steps", "after": after, "dry_run": true});
    let first = app.post(&grace, BULK, look(&Value::Null)).await.data();
    assert_eq!((&first["tasks"], first["next"].is_string()), (&json!(5000), true), "{first}");
    let second = app.post(&grace, BULK, look(&first["next"])).await.data();
    assert_eq!((&second["tasks"], &second["next"]), (&json!(1000), &Value::Null), "{second}");
    for wish in [
        json!({"action": "retry", "after": first["next"], "dry_run": true}),
        json!({"action": "retry", "text": "steps", "after": first["next"]}),
    ] {
        assert_eq!(app.post(&grace, BULK, wish).await.fields(), ["after"]);
    }
    let done = app.act_on_many(&grace, json!({"action": "delete", "text": "steps"})).await;
    assert_eq!(done["done"], 6000, "what is done is done to all of them: {done}");
}

#[tokio::test]
async fn without_javascript_the_page_counts_and_leads_to_the_task_that_does_it() {
    let app = app().await;
    let (ada, _) = two(&app).await;
    let waits = app.queue(&ada, tomorrow(delay(0))).await;
    let browser = app.browser_of("Grace").await;
    let page = "/tasks/bulk?do=cancel&owner=Ada";
    assert!(browser.open(page).await.text.contains("Cancel 1 task"));
    let asked = browser.submit(page, "/api/tasks/bulk", &[("new[action]", "cancel"), ("new[owner]", "Ada")]).await;
    assert_eq!(asked.status, 302, "{}", asked.text);
    assert_eq!(app.stored(waits).await.status, TaskStatus::Pending, "not in the request");
    let task = asked.header("location").to_owned();
    assert_eq!(app.work().await, 1);
    // Without the marks that the client looks for.
    let shown = browser.open(&task).await.text.replace("<!>", "");
    for words in ["Many tasks at once", "completed", "<dt>Done</dt><dd>1</dd>"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(app.stored(waits).await.status, TaskStatus::Cancelled);
}

#[tokio::test]
async fn people_queue_and_schedule_none_by_themselves() {
    let app = app().await;
    let alma = app.register_as("Alma", Role::Admin).await;
    let payload =
        json!({"action": "delete", "filter": {}, "before": "2030-01-01T00:00:00Z", "asked_by": {"user_id": alma.id}});
    let refused = app.post(&alma, "/api/v1/tasks", json!({"task_type": "bulk", "payload": payload})).await;
    assert_eq!(refused.fields(), ["task_type"]);
    let types = app.open("/api/v1/tasks/types").await.data();
    assert!(types.as_array().unwrap().iter().all(|one| one["task_type"] != "bulk"), "{types}");
}
