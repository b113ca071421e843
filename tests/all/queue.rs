//! The queue itself: who gets what, and that nobody settles what is not theirs any more.

use std::time::Duration;

use model::tasks::{DeadReason, TaskStatus};
use serde_json::{Value, json};
use server::tasks::queue::{self, Claimed, Ended, Lane, Member, Outcome, Purpose, Settlement, Sign};

use crate::support::tasks::{delay, sum};
use crate::support::{TestApp, within_patience};

/// Longer than any test takes.
const LEASE: Duration = Duration::from_secs(3600);

pub async fn join(app: &TestApp) -> i64 {
    let member = Member { host: "here".into(), task_types: vec![], concurrency: 8 };
    queue::join(&app.app.db, &member, LEASE).await.unwrap()
}

/// All lanes from their start, the urgent ones first.
async fn lanes(app: &TestApp) -> Vec<Lane> {
    let types: Vec<i32> = sqlx::query_scalar("select id from task_types").fetch_all(&app.app.db).await.unwrap();
    let of_priority = |priority| types.iter().map(move |id| (*id, priority));
    let lane = |(task_type_id, priority)| Lane { task_type_id, priority, after_seq: 0, quota: 100 };
    [3, 2, 1, 0].into_iter().flat_map(of_priority).map(lane).collect()
}

pub async fn claim(app: &TestApp, worker: i64, limit: i64) -> Vec<Claimed> {
    queue::claim(&app.app.queue_db, worker, &lanes(app).await, limit, Purpose::Places).await.unwrap()
}

async fn claim_one(app: &TestApp, worker: i64) -> Claimed {
    let mut claimed = claim(app, worker, 10).await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

fn settlement((claimed, outcome): &(&Claimed, Outcome)) -> Settlement {
    let (claimed, outcome) = ((*claimed).clone().into(), outcome.clone());
    Settlement { claimed, outcome, ran: Duration::from_millis(7), trace: None }
}

pub async fn settle_all(app: &TestApp, worker: i64, batch: &[(&Claimed, Outcome)]) -> Vec<Ended> {
    let batch: Vec<_> = batch.iter().map(settlement).collect();
    queue::settle(&mut app.app.queue_db.acquire().await.unwrap(), worker, &batch).await.unwrap()
}

async fn settle(app: &TestApp, worker: i64, claimed: &Claimed, outcome: Outcome) -> bool {
    settle_all(app, worker, &[(claimed, outcome)]).await.iter().any(|ended| ended.id == claimed.id)
}

pub fn completed() -> Outcome {
    Outcome::Completed(json!({"done": true}))
}

fn retry(delay: Duration) -> Outcome {
    Outcome::RetryLater { error: "not yet".into(), delay }
}

fn with_attempts(mut new: Value, attempts: i32) -> Value {
    new["retry_strategy"] = json!({"fixed": {"interval": 60, "max_attempts": attempts}});
    new
}

/// Lets the worker die: its lease lapses and the others take its tasks back.
pub async fn die(app: &TestApp, worker: i64) -> usize {
    app.let_lapse(worker).await;
    let rescued = queue::rescue(&app.app.db).await.unwrap();
    assert_eq!(rescued.workers, [worker]);
    rescued.tasks.len()
}

#[tokio::test]
async fn the_most_urgent_task_is_claimed_first_and_of_equals_the_oldest() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut queued = Vec::new();
    for priority in ["low", "normal", "critical", "high", "normal"] {
        let mut new = sum(&[1]);
        new["priority"] = json!(priority);
        queued.push(app.queue(&ada, new).await);
    }

    let worker = join(&app).await;
    for expected in [2, 3, 1, 4, 0] {
        let mut claimed = claim(&app, worker, 1).await;
        assert_eq!(claimed.len(), 1);
        let claimed = claimed.remove(0);
        assert_eq!(claimed.id, queued[expected]);
        assert!(settle(&app, worker, &claimed, completed()).await);
    }
}

#[tokio::test]
async fn two_workers_never_get_the_same_task() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for number in 0..20 {
        app.queue(&ada, sum(&[number])).await;
    }
    app.leaves_tasks(20);
    let (one, two) = (join(&app).await, join(&app).await);

    let (mut claimed, others) = tokio::join!(claim(&app, one, 10), claim(&app, two, 10));
    claimed.extend(others);
    let mut ids: Vec<_> = claimed.iter().map(|claimed| claimed.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((claimed.len(), ids.len()), (20, 20));
}

#[tokio::test]
async fn a_claim_begins_behind_its_cursor() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (first, second) = (app.queue(&ada, sum(&[1])).await, app.queue(&ada, sum(&[2])).await);
    app.leaves_tasks(2);
    let worker = join(&app).await;
    let seq: i64 =
        sqlx::query_scalar("select seq from tasks where id = $1").bind(first).fetch_one(&app.app.db).await.unwrap();

    let behind: Vec<_> = lanes(&app).await.into_iter().map(|lane| Lane { after_seq: seq, ..lane }).collect();
    let claimed = queue::claim(&app.app.db, worker, &behind, 10, Purpose::Places).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.id).collect::<Vec<_>>(), [second]);
}

/// What makes a claim cheap however large the backlog is: no index entry is written.
#[tokio::test]
async fn a_claim_changes_no_index() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    // Some pages of them, because a worker claims all tasks of a page at once.
    let tasks: Vec<_> = (0..100).map(|number| sum(&[number])).collect();
    assert_eq!(app.post(&ada, "/api/v1/tasks/batch", json!({"tasks": tasks})).await.status, 201);
    app.leaves_tasks(100);
    let worker = join(&app).await;
    let mut tx = server::db::begin(&app.app.db).await.unwrap();
    queue::claim(&mut *tx, worker, &lanes(&app).await, 100, Purpose::Places).await.unwrap();
    let (updated, hot): (i64, i64) =
        sqlx::query_as("select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables where relname = 'tasks'")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    tx.commit().await.unwrap();
    assert_eq!((updated, hot), (100, 100));
}

/// A plan is kept, so one that was made for an empty table has to be good for a full one.
#[tokio::test]
async fn a_worker_goes_by_the_indexes_however_empty_the_queue_was() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    sqlx::query("vacuum tasks").execute(&app.app.db).await.unwrap();
    let worker = join(&app).await;
    app.queue(&ada, sum(&[1])).await;
    let mut tx = server::db::begin(&app.app.queue_db).await.unwrap();
    let claimed = queue::claim(&mut *tx, worker, &lanes(&app).await, 10, Purpose::Places).await.unwrap();
    queue::settle(&mut tx, worker, &[settlement(&(&claimed[0], completed()))]).await.unwrap();
    let scans = "select seq_scan, idx_scan from pg_stat_xact_user_tables where relname = 'tasks'";
    let (whole, by_index): (i64, i64) = sqlx::query_as(scans).fetch_one(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(whole == 0 && by_index > 0);
}

/// An answer was lost, so what it was about is said again, beside what became of the next claim.
#[tokio::test]
async fn of_two_claims_of_one_task_the_later_is_settled_whichever_is_named_first() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for turn in 0..2 {
        app.queue(&ada, sum(&[1])).await;
        let worker = join(&app).await;
        let first = claim_one(&app, worker).await;
        assert!(settle(&app, worker, &first, Outcome::HandedBack).await);
        let second = claim_one(&app, worker).await;
        let mut both = [(&first, Outcome::HandedBack), (&second, completed())];
        both.swap(0, turn);
        let ended = settle_all(&app, worker, &both).await;
        let ended: Vec<_> = ended.iter().map(|one| (one.id, one.status)).collect();
        assert_eq!(ended, [(first.id, TaskStatus::Completed)]);
    }
}

/// Until a statement of this database waits for a lock.
async fn somebody_waits(app: &TestApp) {
    let waits = "select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    within_patience("somebody waits for a lock", async {
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&app.app.db).await.unwrap() {}
    })
    .await;
}

/// The answer to a claim was lost, so the worker leaves while PostgreSQL still works on it.
#[tokio::test]
async fn a_worker_that_leaves_waits_for_its_claim_under_way_and_hands_it_back() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    app.leaves_tasks(1);
    let worker = join(&app).await;
    let mut under_way = server::db::begin(&app.app.db).await.unwrap();
    queue::claim(&mut *under_way, worker, &lanes(&app).await, 10, Purpose::Places).await.unwrap();
    let db = app.app.db.clone();
    let leaving = tokio::spawn(async move { queue::leave(&db, worker).await });
    somebody_waits(&app).await;
    under_way.commit().await.unwrap();
    let back: Vec<_> = leaving.await.unwrap().unwrap().into_iter().map(|ended| ended.id).collect();
    assert_eq!(back, [id]);
    let other = join(&app).await;
    assert_eq!(claim_one(&app, other).await.id, id, "nobody holds it");
}

#[tokio::test]
async fn a_worker_without_a_lease_gets_nothing() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.queue(&ada, sum(&[1])).await;
    app.leaves_tasks(1);
    let worker = join(&app).await;
    app.let_lapse(worker).await;
    assert!(claim(&app, worker, 10).await.is_empty());
    assert!(claim(&app, worker + 1, 10).await.is_empty());
}

#[tokio::test]
async fn a_worker_that_was_declared_dead_settles_nothing() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let worker = join(&app).await;
    let claimed = claim_one(&app, worker).await;
    assert_eq!(die(&app, worker).await, 1);
    let rescued = app.stored(id).await;
    assert_eq!((rescued.status, rescued.current_attempt), (TaskStatus::Pending, 0), "a death costs no attempt");
    assert_eq!(rescued.last_error.as_deref(), Some("The worker died during attempt 1"));

    let dead = Outcome::Dead { reason: DeadReason::Fatal, error: "late".into() };
    for outcome in [completed(), Outcome::Cancelled, dead, retry(LEASE), Outcome::HandedBack] {
        assert!(!settle(&app, worker, &claimed, outcome).await);
        assert_eq!(app.stored(id).await, rescued);
    }
    let sign = Sign::default();
    let mut conn = app.app.db.acquire().await.unwrap();
    assert!(!queue::renew(&mut conn, worker, LEASE, sign).await.unwrap(), "it learns that it is dead");

    assert_eq!(app.work().await, 1);
    let done = app.stored(id).await;
    assert_eq!((done.status, done.current_attempt, done.result), (TaskStatus::Completed, 1, Some(json!({"sum": 1.0}))));
}

#[tokio::test]
async fn an_old_claim_of_the_same_worker_is_refused_as_well() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let worker = join(&app).await;
    let first = claim_one(&app, worker).await;
    assert!(settle(&app, worker, &first, retry(Duration::ZERO)).await);
    let second = claim_one(&app, worker).await;
    let running = app.stored(id).await;

    assert!(!settle(&app, worker, &first, completed()).await);
    assert_eq!(app.stored(id).await, running);
    assert!(settle(&app, worker, &second, completed()).await);
    assert!(!settle(&app, worker, &second, completed()).await, "settled once only");
}

#[tokio::test]
async fn one_settlement_that_is_refused_does_not_keep_the_others_of_its_batch() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (stale, fresh) = (app.queue(&ada, sum(&[1])).await, app.queue(&ada, sum(&[2])).await);
    let worker = join(&app).await;
    let claimed = claim(&app, worker, 10).await;
    app.change(stale, "update tasks set lease_epoch = lease_epoch + 1 where id = $1").await;

    let ended = settle_all(&app, worker, &claimed.iter().map(|one| (one, completed())).collect::<Vec<_>>()).await;
    assert_eq!(ended.iter().map(|ended| ended.id).collect::<Vec<_>>(), [fresh]);
    assert_eq!(app.stored(stale).await.status, TaskStatus::Running);
    app.leaves_tasks(1);
}

#[tokio::test]
async fn a_failed_attempt_is_tried_again_when_it_is_due() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let worker = join(&app).await;
    let claimed = claim_one(&app, worker).await;
    assert!(settle(&app, worker, &claimed, retry(LEASE)).await);
    let waiting = app.stored(id).await;
    assert_eq!((waiting.status, waiting.last_error.as_deref()), (TaskStatus::Retrying, Some("not yet")));
    assert_eq!(app.work().await, 0, "not due yet");

    app.pass_time(LEASE).await;
    assert_eq!(app.work().await, 1);
    let done = app.stored(id).await;
    assert_eq!((done.status, done.current_attempt), (TaskStatus::Completed, 2));
}

#[tokio::test]
async fn a_task_that_workers_keep_dying_of_is_poison() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, with_attempts(sum(&[1]), 1)).await;
    for status in [TaskStatus::Pending, TaskStatus::Pending, TaskStatus::Failed] {
        let worker = join(&app).await;
        claim_one(&app, worker).await;
        assert_eq!(die(&app, worker).await, 1);
        assert_eq!(app.stored(id).await.status, status);
    }
    let failed = app.stored(id).await;
    assert_eq!((failed.dead_reason, failed.errors.len()), (Some(DeadReason::Poison), 3));
    assert!(failed.completed_at.is_some());
    assert_eq!(app.work().await, 0);
}

#[tokio::test]
async fn a_task_that_a_worker_died_of_is_not_claimed_ahead() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let suspect = app.queue(&ada, sum(&[1])).await;
    let (dead, alive) = (join(&app).await, join(&app).await);
    claim_one(&app, dead).await;
    die(&app, dead).await;
    let innocent = app.queue(&ada, sum(&[2])).await;
    let ahead = queue::claim(&app.app.db, alive, &lanes(&app).await, 10, Purpose::Ahead).await.unwrap();
    assert_eq!(ahead.iter().map(|one| one.id).collect::<Vec<_>>(), [innocent]);
    assert_eq!(claim_one(&app, alive).await.id, suspect);
    app.leaves_tasks(2);
}

#[tokio::test]
async fn only_the_dead_lose_their_tasks() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let (alive, dead) = (join(&app).await, join(&app).await);
    let claimed = claim_one(&app, alive).await;
    assert_eq!(die(&app, dead).await, 0);
    assert_eq!(app.stored(id).await.status, TaskStatus::Running);
    assert!(settle(&app, alive, &claimed, completed()).await);
}

#[tokio::test]
async fn a_task_that_was_told_to_stop_is_cancelled_when_its_worker_dies_or_its_attempt_fails() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for dies in [true, false] {
        let id = app.queue(&ada, delay(3600)).await;
        let worker = join(&app).await;
        let claimed = claim_one(&app, worker).await;
        app.cancel(&ada, id).await;
        let mut conn = app.app.db.acquire().await.unwrap();
        assert_eq!(queue::told_to_stop(&mut conn, &[id]).await.unwrap(), [id]);
        if dies {
            die(&app, worker).await;
        } else {
            assert!(settle(&app, worker, &claimed, retry(LEASE)).await);
        }
        assert_eq!(app.stored(id).await.status, TaskStatus::Cancelled, "dies: {dies}");
    }
}

#[tokio::test]
async fn what_a_worker_hands_back_has_cost_no_attempt() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, with_attempts(sum(&[1]), 1)).await;
    let worker = join(&app).await;
    let claimed = claim_one(&app, worker).await;
    assert_eq!(queue::leave(&app.app.db, worker).await.unwrap().len(), 1);

    let back = app.stored(id).await;
    assert_eq!((back.status, back.current_attempt), (TaskStatus::Pending, 0));
    assert!(!settle(&app, worker, &claimed, completed()).await, "it is not the worker's any more");
    assert_eq!(app.work().await, 1, "also when there was one attempt only");
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn what_a_worker_did_not_finish_keeps_its_place() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let first = app.queue(&ada, sum(&[1])).await;
    let (dies, leaves, drains) = (join(&app).await, join(&app).await, join(&app).await);
    claim_one(&app, dies).await;
    app.queue(&ada, sum(&[2])).await;
    app.leaves_tasks(2);
    let next = async |worker| claim(&app, worker, 1).await.remove(0);

    die(&app, dies).await;
    assert_eq!(next(leaves).await.id, first, "a worker died of it");
    queue::leave(&app.app.db, leaves).await.unwrap();
    let claimed = next(drains).await;
    assert_eq!(claimed.id, first, "a worker left");
    assert!(settle(&app, drains, &claimed, Outcome::HandedBack).await);
    let claimed = next(drains).await;
    assert_eq!(claimed.id, first, "a worker handed it back");
    assert!(settle(&app, drains, &claimed, retry(Duration::ZERO)).await);
    assert_ne!(next(drains).await.id, first, "it failed, so others come first");
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_handed_back() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (heard, lost) = (app.queue(&ada, sum(&[1])).await, app.queue(&ada, sum(&[2])).await);
    let worker = join(&app).await;
    assert_eq!(claim(&app, worker, 10).await.len(), 2);

    let back = queue::strays(&app.app.db, worker, &[heard]).await.unwrap();
    assert_eq!(back, [Ended { id: lost, owner: Some(ada.id), status: TaskStatus::Pending, is_ready: true }]);
    assert_eq!(app.stored(heard).await.status, TaskStatus::Running);
    app.leaves_tasks(2);
}

#[tokio::test]
async fn settlements_are_counted_by_minute_type_and_worker() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let worker = join(&app).await;
    for outcome in [completed(), retry(LEASE), Outcome::Snoozed(LEASE), Outcome::Cancelled] {
        app.queue(&ada, sum(&[1])).await;
        let claimed = claim_one(&app, worker).await;
        assert!(settle(&app, worker, &claimed, outcome).await);
    }
    app.leaves_tasks(2);
    let grace = app.register_as("Grace", model::users::Role::Moderator).await;
    let minutes = app.get(&grace, "/api/v1/tasks/queue/minutes").await.data();
    let sums =
        |name: &str| minutes.as_array().unwrap().iter().map(|minute| minute[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!(["completed", "retried", "cancelled", "failed"].map(sums), [1, 1, 1, 0], "{minutes}");
    assert_eq!(sums("run_ms"), 21, "a snooze is no attempt: {minutes}");
    let in_bucket = |place: usize| {
        minutes.as_array().unwrap().iter().map(|m| m["run_histogram"][place].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!((in_bucket(2), in_bucket(3), in_bucket(4)), (0, 3, 0), "7 ms is above 5 and up to 10");
    assert!(minutes[0].get("worker_id").is_none(), "{minutes}");

    let other = join(&app).await;
    app.queue(&ada, sum(&[1])).await;
    let claimed = claim_one(&app, other).await;
    assert!(settle(&app, other, &claimed, completed()).await);
    let by_worker = app.get(&grace, "/api/v1/tasks/queue/minutes?by_worker=true").await.data();
    let completed_by = |id: i64| {
        let of_it = by_worker.as_array().unwrap().iter().filter(|minute| minute["worker_id"] == id);
        of_it.map(|minute| minute["completed"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!((completed_by(worker), completed_by(other)), (1, 1), "{by_worker}");
}

#[tokio::test]
async fn a_task_is_there_exactly_when_its_transaction_commits() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let new = || serde_json::from_value::<model::tasks::NewTask>(sum(&[1])).unwrap();
    let enqueue =
        async |tx: &mut sqlx::PgConnection| server::tasks::enqueue_in(&app.app, tx, Some(ada.id), new()).await.unwrap();

    let mut rolled_back = server::db::begin(&app.app.db).await.unwrap();
    let ghost = enqueue(&mut rolled_back).await;
    rolled_back.rollback().await.unwrap();
    let mut committed = server::db::begin(&app.app.db).await.unwrap();
    let real = enqueue(&mut committed).await;
    assert_eq!(app.work().await, 0, "nobody sees it before the commit");
    committed.commit().await.unwrap();
    real.ring(&app.app);

    assert_eq!(app.work().await, 1);
    assert_eq!(app.get(&ada, &format!("/api/v1/tasks/{}", ghost.0.id)).await.status, 404);
    assert_eq!(app.stored(real.0.id).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn a_request_to_stop_that_comes_during_a_settlement_is_not_hidden_by_what_became_ready_in_it() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let batch = json!({"tasks": [sum(&[1])], "callback": sum(&[2])});
    let queued = app.post(&ada, "/api/v1/tasks/batch", batch).await.json();
    let failing = app.queue(&ada, delay(1)).await;
    let worker = join(&app).await;
    let claimed = claim(&app, worker, 10).await;
    assert_eq!(claimed.len(), 2);
    let outcomes: Vec<_> =
        claimed.iter().map(|one| (one, if one.id == failing { retry(Duration::ZERO) } else { completed() })).collect();

    let mut asking = server::db::begin(&app.app.db).await.unwrap();
    let ask = sqlx::query("update tasks set cancel_requested = true where id = $1").bind(failing);
    ask.execute(&mut *asking).await.unwrap();
    let (ended, ()) = tokio::join!(settle_all(&app, worker, &outcomes), async {
        somebody_waits(&app).await;
        asking.commit().await.unwrap();
    });
    let status = |id| ended.iter().find(|one| one.id == id).map(|one| one.status);
    assert_eq!(status(failing), Some(TaskStatus::Cancelled), "{ended:?}");
    let callback = serde_json::from_value(queued["data"]["callback_id"].clone()).unwrap();
    assert_eq!(status(callback), Some(TaskStatus::Pending), "{ended:?}");
    app.leaves_tasks(1);
}
