//! What operators see and do: the overview, lists by any filter, the dead letter by error, one action on many tasks.

use model::tasks::{Figure, Period};
use model::users::Role;
use reqwest::Method;
use serde_json::{Value, json};
use server::tasks::queue;
use uuid::Uuid;

use crate::support::kinds::Step::{Fatal, Ok as Done};
use crate::support::kinds::{script, scripted};
use crate::support::tasks::{BULK, delay, sum, tomorrow};
use crate::support::{Answer, Person, TestApp};

fn ids(answer: &Answer) -> Vec<String> {
    let tasks = answer.data();
    let mut ids: Vec<_> =
        tasks.as_array().expect("a list").iter().map(|task| task["id"].as_str().expect("an id").to_owned()).collect();
    ids.sort();
    ids
}

async fn listed(app: &TestApp, person: &Person, query: &str) -> Vec<String> {
    ids(&app.get(person, &format!("/api/v1/tasks?{query}")).await)
}

fn sorted(ids: &[Uuid]) -> Vec<String> {
    let mut ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_list_is_narrowed_by_everything_that_a_filter_says() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let low = app
        .queue(
            &ada,
            json!({"task_type": "data_processing", "priority": "low",
        "payload": {"operation": "sum", "data": [77]}}),
        )
        .await;
    let plain = app.queue(&ada, sum(&[1])).await;
    let late = app.queue(&bob, tomorrow(delay(0))).await;
    app.work().await;

    assert_eq!(listed(&app, &ada, "priority=low").await, sorted(&[low]));
    assert_eq!(listed(&app, &ada, "status=completed").await, sorted(&[low, plain]));
    assert_eq!(listed(&app, &ada, "text=77").await, sorted(&[low]), "in the payload");
    assert_eq!(listed(&app, &ada, "text=%25").await, sorted(&[]), "a text is no pattern");
    assert_eq!(listed(&app, &grace, "owner=bOB").await, sorted(&[late]));
    assert_eq!(listed(&app, &grace, "owner=Nobody").await, sorted(&[]));
    assert_eq!(listed(&app, &ada, "owner=Bob").await, sorted(&[]), "others have none for her");
    assert_eq!(listed(&app, &grace, "task_type=nothing").await, sorted(&[]));
    let now = (chrono::Utc::now() + chrono::TimeDelta::seconds(1)).format("%Y-%m-%dT%H:%M:%SZ");
    assert_eq!(listed(&app, &grace, &format!("to={now}")).await.len(), 3);
    assert_eq!(listed(&app, &grace, &format!("from={now}")).await.len(), 0);
    let long = "x".repeat(201);
    assert_eq!(app.get(&ada, &format!("/api/v1/tasks?text={long}")).await.fields(), ["text"]);
    app.cancel(&bob, late).await;
}

#[tokio::test]
async fn a_text_is_found_in_an_error_as_well() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let too_large = json!({"task_type": "data_processing", "payload": {"operation": "sum", "data": [1e308, 1e308]}});
    let failed = app.queue(&ada, too_large).await;
    app.queue(&ada, sum(&[1])).await;
    assert_eq!(app.work().await, 2);
    assert_eq!(ids(&app.get(&ada, "/api/v1/tasks?text=TOO+LARGE+to+add").await), sorted(&[failed]));
    assert_eq!(ids(&app.get(&ada, "/api/v1/tasks?text=operation").await).len(), 2, "both payloads have it");
}

#[tokio::test]
async fn a_text_is_looked_for_part_by_part_and_none_is_left_out() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let old = app.queue(&ada, sum(&[4711])).await;
    app.work().await;
    // Rows beside the queue: it would take too long to run them.
    let many = "insert into dead_tasks (id, task_type_id, priority, reason, lease_epoch, attempts, max_attempts, rescues, payload, payload_version,
            errors, created_by, created_at)
        select ('ffffffff-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, (select min(id) from task_types), 1, 'fatal', 1, 1, 1, 0, '{}', 1,
            '[]', $1, now()
        from generate_series(1, 6000) n";
    sqlx::query(many).bind(ada.id).execute(&app.app.db).await.expect("the rows");
    let first = app.get(&ada, "/api/v1/tasks?text=4711").await;
    assert_eq!((ids(&first).len(), first.header("x-total-count")), (0, "0"));
    let link = first.header("link").to_owned();
    let next = link.split(['<', '>']).nth(1).expect("an address");
    assert_eq!(ids(&app.get(&ada, next).await), sorted(&[old]), "{next}");
}

#[tokio::test]
async fn the_dead_letter_is_grouped_by_what_went_wrong_and_a_group_is_run_again_as_one() {
    let app = TestApp::with_kinds(scripted(server::tasks::kinds::Policy::default()), |_| ()).await;
    let ada = app.register("Ada").await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let (one, two) = (app.queue(&ada, script(&[Fatal, Done])).await, app.queue(&grace, script(&[Fatal])).await);
    app.work().await;
    let change = "update dead_tasks set errors = jsonb_build_array(jsonb_build_object('attempt', 1, 'at', now(), 'error', $2::text)) where id = $1";
    for (id, error) in [(one, "No answer from 10.0.0.1:80 in 30 s"), (two, "No answer from 10.0.0.27:8080 in 5 s")] {
        sqlx::query(change).bind(id).bind(error).execute(&app.app.db).await.expect("the row is moved");
    }
    let mut tx = server::db::begin(&app.app.db).await.expect("a transaction");
    let groups = queue::dead_groups(&mut tx, None).await.expect("groups");
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!((groups[0].tasks, groups[0].error.as_str()), (2, "No answer from #.#.#.#:# in # s"));
    assert_eq!(queue::dead_groups(&mut tx, Some(ada.id)).await.expect("groups")[0].tasks, 1, "she has one");
    drop(tx);

    let group =
        |dry_run| json!({"action": "retry", "task_type": "script", "error": groups[0].error, "dry_run": dry_run});
    assert_eq!(app.post(&grace, BULK, group(true)).await.data()["tasks"], 2);
    let other = json!({"action": "retry", "error": "something else"});
    assert_eq!(app.act_on_many(&grace, other).await["done"], 0);
    assert_eq!(app.act_on_many(&grace, group(false)).await["done"], 2);
    assert_eq!(app.work().await, 2);
}

#[tokio::test]
async fn the_queue_is_noted_once_a_minute_and_drawn() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.queue(&ada, sum(&[1])).await;
    for _ in 0..2 {
        queue::sample(&app.app.db).await.expect("it is noted");
    }
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("select ready, running from queue_samples").fetch_all(&app.app.db).await.expect("rows");
    // The minute may have changed in between.
    assert!(matches!(rows[..], [(1, 0)] | [(1, 0), (1, 0)]), "{rows:?}");
    app.work().await;
    let mut tx = server::db::begin(&app.app.db).await.expect("a transaction");
    for period in Period::ALL {
        let figures = queue::figures(&mut tx, period).await.expect("figures");
        assert_eq!(figures.len(), period.steps().1);
        let done: i64 = figures.iter().map(|step| step.completed).sum();
        let ready = figures.iter().filter_map(|step| step.ready).max();
        assert_eq!((done, ready), (1, Some(1)), "{period:?}");
        let measured: Vec<&Figure> = figures.iter().filter(|step| step.run_ms.is_some()).collect();
        assert_eq!(measured.len(), 1);
    }
}

#[tokio::test]
async fn old_figures_are_added_up_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let add = "insert into task_stats (minute, task_type_id, worker_id, completed, run_ms, run_histogram)
        select date_trunc('minute', now()) - make_interval(mins => back, secs => -worker), (select min(id) from task_types), worker, 1, 10,
            array[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        from unnest(array[5, 5, 300, 300, 3000, 3001, 3002, 3003]) with ordinality as row (back, worker)";
    sqlx::query(add).execute(&app.app.db).await.expect("rows");
    let sums = async || {
        let sums = "select sum(completed)::bigint, sum(run_ms)::bigint, sum(run_histogram[4])::bigint, count(*),
            count(*) filter (where minute > now() - interval '1 hour') from task_stats";
        sqlx::query_as::<_, (i64, i64, i64, i64, i64)>(sums).fetch_one(&app.app.db).await.expect("sums")
    };
    let before = sums().await;
    assert_eq!(before, (8, 80, 8, 8, 2));
    queue::compact(&app.app.db).await.expect("they are added up");
    let after = sums().await;
    assert_eq!((after.0, after.1, after.2, after.4), (8, 80, 8, 2), "and the last hour is as it was");
    assert!(
        (4..=5).contains(&after.3),
        "five minutes ago twice, five hours ago once, and a quarter of an hour or two: {after:?}"
    );
    assert_eq!(queue::compact(&app.app.db).await.expect("nothing is left"), 0);
}

#[tokio::test]
async fn the_overview_shows_workers_types_and_health_to_operators() {
    let app = TestApp::start().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let seen = app.get(&grace, "/api/v1/tasks/queue").await.data();
    assert_eq!(seen["running"], json!([]));
    assert!(seen["health"]["dead_rows"].is_i64() && seen["types"].as_array().is_some_and(|types| !types.is_empty()));
    let pause = json!({"reason": "the sink is down"});
    assert_eq!(app.post(&grace, "/api/v1/tasks/types/delay_task/pause", pause).await.status, 200);
    let browser = app.browser_of("Grace").await;
    let page = browser.open("/tasks/overview?period=7d").await;
    assert_eq!(page.status, 200);
    for words in ["delay_task is paused.", "the sink is down", "No worker is running", "Attempts that ended", "<svg"] {
        assert!(page.text.contains(words), "{words} is missing");
    }
    let resumed = browser
        .submit(
            "/tasks/overview",
            "/api/tasks/command",
            &[("new[action]", "resume"), ("new[subject]", "delay_task"), ("new[period]", "week")],
        )
        .await;
    assert_eq!(resumed.status, 302);
    assert_eq!(resumed.header("location"), "/tasks/overview?period=7d&done=type-resumed");
    let types: Value = app.get(&grace, "/api/v1/tasks/queue").await.data()["types"].clone();
    let delay = types.as_array().expect("types").iter().find(|one| one["task_type"] == "delay_task").expect("it");
    assert_eq!(delay["paused_at"], Value::Null);
}

#[tokio::test]
async fn a_replay_from_the_form_names_its_one_input() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app
        .queue(
            &ada,
            json!({"task_type": "delay_task", "payload": {"delay_seconds": 9, "deadline": "2020-01-01T00:00:00Z"}}),
        )
        .await;
    app.work().await;
    let browser = app.browser_of("Ada").await;
    let path = format!("/tasks/{id}/retry");
    let named = id.to_string();
    for (payload, words) in [("{", "is no JSON: line 1, column 1"), (r#"{"delay_seconds": -1}"#, "delay_seconds:")] {
        let refused = browser.submit(&path, "/api/tasks/retry", &[("id", &named), ("new[payload]", payload)]).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains(words), "{words}: {}", refused.text);
    }
    let done =
        browser.submit(&path, "/api/tasks/retry", &[("id", &named), ("new[payload]", r#"{"delay_seconds": 0}"#)]).await;
    assert_eq!(done.status, 302);
    app.work().await;
    let task = app.request(Method::GET, &format!("/api/v1/tasks/{id}")).bearer_auth(&ada.token);
    assert_eq!(Answer::to(task).await.data()["status"], "completed");
}
