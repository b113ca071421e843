//! The engine under torture, and proof that the torture and the fence would notice.

use std::path::Path;
use std::time::Duration;

use embedded_postgres::{Embedded, Options};
use model::tasks::DeadReason;
use serde_json::Value;
use server::tasks::queue::{self, Claimed, Lane, Member, Outcome, Purpose, Settlement};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::program::{Settings, run_to_its_end};
use crate::support::tasks::sum;

/// The settlement as the engine sends it.
const SETTLE: &str = include_str!("../../server/src/tasks/queue/settle.sql");

async fn torture(name: &str, more: &[&str]) -> (bool, String) {
    torture_with(name, more, &[]).await
}

async fn torture_with(name: &str, more: &[&str], settings: &Settings<'_>) -> (bool, String) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let args = ["chaos", "torture", "--seed", "1", "--dir", dir.to_str().expect("a path in UTF-8")];
    let output = run_to_its_end(&[&args, more].concat(), settings).await;
    let [said, logged] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    // Why it could not go on, if it could not.
    (output.status.success(), said + logged.lines().last().unwrap_or_default())
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_accepted_twice_while_everything_breaks() {
    let (is_good, said) = torture("torture", &["--seconds", "100"]).await;
    assert!(is_good, "{said}");
    let without_libfaketime = said.contains("so no clock jumps");
    // Each fault is made at least once, and each judgement had something to judge.
    for done in [
        "workers killed by SIGKILL",
        "workers stopped beyond their lease",
        "workers told to leave",
        "connections cut",
        "connections delayed",
        "connections swallowed",
        "connections that lost answers",
        "answers to a COMMIT that were lost",
        "connections that lose the answer to a settlement",
        "connections that hold a settlement back",
        "storms of pg_terminate_backend",
        "crashes of PostgreSQL by SIGKILL",
        "immediate shutdowns of PostgreSQL",
        "transactions held open",
        "times that connections were exhausted",
        "pauses of a type",
        "breakers opened by hand",
        "times that a dependency went down",
        "batches with a callback",
        "effects in the task's own transaction",
        "tasks of the schedule",
        "tasks cancelled",
        "tasks committed",
        "misbehaved: panics",
        "misbehaved: blocks",
        "misbehaved: allocates",
        "misbehaved: aborts",
        "misbehaved: overflows",
        if without_libfaketime { "so no clock jumps" } else { "jumps of a worker's clock" },
    ] {
        let line = said.lines().find(|line| line.contains(done)).unwrap_or_else(|| panic!("no {done} in: {said}"));
        assert!(!line.trim_start().starts_with("0 "), "{line}");
    }
}

/// The torture ends as soon as it sees the first broken invariant.
async fn assert_seen(sabotage: &str, invariants: &[&str]) {
    let (is_good, said) = torture(&format!("torture-{sabotage}"), &["--seconds", "120", "--sabotage", sabotage]).await;
    let is_named = invariants.iter().any(|invariant| said.contains(&format!("BROKEN {invariant}")));
    // With it the same faults come once more.
    let tells_seed = said.contains("broken invariants (seed 1)");
    assert!(!is_good && is_named && tells_seed, "{said}");
}

#[tokio::test]
async fn a_torture_in_which_nobody_looks_after_the_dead_is_seen_to_fail() {
    // When PostgreSQL hardly answers, it is seen at the end: what nobody rescues does not end.
    assert_seen("rescue", &["5 (rescue)", "1 (no loss)"]).await;
}

#[tokio::test]
async fn a_torture_in_which_anybody_settles_anything_is_seen_to_fail() {
    assert_seen("completion", &["3 ", "4 ", "6 "]).await;
}

#[tokio::test]
async fn a_torture_in_which_a_worker_settles_what_it_has_claimed_anew_is_seen_to_fail() {
    assert_seen("fencing", &["3 ", "4 ", "6 "]).await;
}

#[tokio::test]
async fn a_copy_of_a_deployment_is_tortured_and_its_postgresql_never_breaks() {
    // A cluster of its own: the faults end the sessions of everybody in it. Not that of the last time, which may have migrations that are none any more.
    let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("torture-of-a-copy");
    if data_dir.exists() {
        std::fs::remove_dir_all(&data_dir).expect("the last one is removed");
    }
    let options = Options { data_dir, database: "copy".into(), durable: false, binaries: None, settings: vec![] };
    let cluster = tokio::task::spawn_blocking(|| Embedded::start(options)).await.unwrap().expect("the cluster starts");
    let url = cluster.database_url();
    let given = [("DATABASE_URL", url.as_str())];
    let (is_good, _) = torture_with("torture-copy", &["--seconds", "8"], &given).await;
    assert!(!is_good, "a database that is given is only tortured when somebody says that it may be");
    // The second time there are tasks that came before.
    for _ in 0..2 {
        let (is_good, said) = torture_with("torture-copy", &["--seconds", "8", "--copy"], &given).await;
        assert!(is_good, "{said}");
        let killed = said.lines().find(|line| line.ends_with("workers killed by SIGKILL"));
        assert!(killed.is_some() && said.contains(" tasks committed"), "{said}");
        assert!(!said.contains("PostgreSQL by SIGKILL") && !said.contains("shutdowns of PostgreSQL"), "{said}");
    }
    tokio::task::spawn_blocking(|| drop(cluster)).await.unwrap();
}

async fn join(app: &TestApp) -> i64 {
    let member = Member { host: "here".into(), task_types: vec![], concurrency: 1 };
    queue::join(&app.app.db, &member, Duration::from_secs(3600)).await.unwrap()
}

async fn claim_one(app: &TestApp, worker: i64) -> Claimed {
    let types: Vec<i32> = sqlx::query_scalar("select id from task_types").fetch_all(&app.app.db).await.unwrap();
    let lane = |task_type_id| Lane { task_type_id, priority: 1, after_seq: 0, quota: 1 };
    let lanes: Vec<_> = types.into_iter().map(lane).collect();
    let claimed = queue::claim(&app.app.db, worker, &lanes, 1, Purpose::Places).await.unwrap();
    claimed.into_iter().next().expect("a task is ready")
}

/// Whether this text of the statement completes the task for a worker that came with an old claim, or with another's.
async fn accepts(app: &TestApp, statement: &str, worker: i64, claimed: &Claimed) -> bool {
    let settled = sqlx::query(AssertSqlSafe(statement.to_owned()))
        .bind(worker)
        .bind([claimed.id])
        .bind([claimed.lease_epoch])
        .bind([0_i16])
        .bind(vec![None::<DeadReason>])
        .bind(vec![Some(Value::from("stale"))])
        .bind(vec![None::<String>])
        .bind([0.0_f64])
        .bind([0_i64])
        .bind([0_i64]);
    let mut undone = server::db::begin(&app.app.db).await.unwrap();
    let settled = settled.fetch_all(&mut *undone).await.unwrap();
    undone.rollback().await.unwrap();
    !settled.is_empty()
}

#[tokio::test]
async fn each_condition_of_the_fence_is_needed() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id: Uuid = app.queue(&ada, sum(&[1])).await;
    app.leaves_tasks(1);
    let (worker, other) = (join(&app).await, join(&app).await);
    let first = claim_one(&app, worker).await;
    let retry = Outcome::RetryLater { error: "once more".into(), delay: Duration::ZERO };
    let settlement = Settlement { claimed: first.clone().into(), outcome: retry, ran: Duration::ZERO, trace: None };
    queue::settle(&mut app.app.db.acquire().await.unwrap(), worker, &[settlement]).await.unwrap();
    let second = claim_one(&app, worker).await;
    assert_eq!((first.id, second.id), (id, id));

    let without = |condition: &str| {
        assert_eq!(SETTLE.matches(condition).count(), 2, "{condition} is in both parts");
        SETTLE.replace(condition, "true")
    };
    assert!(!accepts(&app, SETTLE, worker, &first).await, "an old claim is refused");
    assert!(!accepts(&app, SETTLE, other, &second).await, "another worker is refused");
    assert!(accepts(&app, SETTLE, worker, &second).await, "the claim that holds it is not");
    assert!(accepts(&app, &without("lease_epoch = ($3::int[])[width_bucket(id, $2)]"), worker, &first).await);
    assert!(accepts(&app, &without("worker_id = $1"), other, &second).await);
}
