//! While a transaction stays open, all versions that rows have had stay as well, and whoever looks for a row walks over them. So none is written by each
//! claim or settlement.

use model::tasks::Minute;
use server::tasks::queue;

use crate::queue::{claim, completed, die, join, settle_all};
use crate::support::TestApp;
use crate::support::tasks::sum;

/// Which version the mark of the only lane is, and how far it goes.
async fn mark(app: &TestApp) -> (String, i64) {
    let mark = "select xmin::text, claimed_up_to from worker_lanes";
    sqlx::query_as(mark).fetch_one(&app.app.db).await.expect("one lane")
}

#[tokio::test]
async fn the_mark_of_a_lane_is_written_once_for_many_claims_and_no_task_is_beyond_it() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.work().await;
    let worker = join(&app).await;
    let mut seen = Vec::new();
    for number in 0..10 {
        app.queue(&ada, sum(&[number])).await;
        let claimed = claim(&app, worker, 1).await;
        seen.push(mark(&app).await);
        assert!(claimed[0].seq <= seen[0].1);
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");

    let ahead = "select setval('task_seq', nextval('task_seq') + 2000)";
    sqlx::query(ahead).execute(&app.app.db).await.expect("the sequence goes on");
    app.queue(&ada, sum(&[10])).await;
    let far = claim(&app, worker, 1).await;
    let after = mark(&app).await;
    assert!(far[0].seq > seen[0].1 && far[0].seq <= after.1, "{after:?}");
    assert_eq!(die(&app, worker).await, 11);
    app.leaves_tasks(11);
}

#[tokio::test]
async fn the_figures_of_a_busy_minute_lie_in_several_rows_and_are_read_as_one() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.work().await;
    sqlx::query("delete from task_stats").execute(&app.app.db).await.expect("nothing is counted");
    sqlx::query("delete from task_totals").execute(&app.app.db).await.expect("nothing is counted");
    let worker = join(&app).await;
    for number in 0..2 {
        app.queue(&ada, sum(&[number])).await;
        let claimed = claim(&app, worker, 1).await;
        settle_all(&app, worker, &[(&claimed[0], completed())]).await;
        let mut conn = app.app.db.acquire().await.expect("a connection");
        for _ in 0..1024 {
            sqlx::query("select pg_current_xact_id()").execute(&mut *conn).await.expect("a transaction");
        }
    }
    let rows = "select (select count(*) from task_stats), (select count(distinct spread / 16) from task_totals)";
    let rows: (i64, i64) = sqlx::query_as(rows).fetch_one(&app.app.db).await.expect("rows");
    assert_eq!(rows, (2, 2));
    let minutes = queue::minutes(&app.app.db, 60, false).await.expect("figures");
    let is_one_each = minutes.windows(2).all(|two| two[0].minute != two[1].minute);
    assert!(is_one_each && minutes.iter().map(|one: &Minute| one.completed).sum::<i64>() == 2, "{minutes:?}");
    sqlx::query("update task_stats set minute = date_trunc('hour', now()) - interval '2 hours' + make_interval(secs => extract(second from minute))")
        .execute(&app.app.db)
        .await
        .expect("two hours pass");
    sqlx::query("update task_totals set day = day - 2").execute(&app.app.db).await.expect("two days pass");
    queue::compact(&app.app.db).await.expect("they are added up");
    let rows: Vec<i64> =
        sqlx::query_scalar("select completed from task_stats").fetch_all(&app.app.db).await.expect("rows");
    assert_eq!(rows, [2]);
    let totals: Vec<(i16, i64)> =
        sqlx::query_as("select spread, total from task_totals").fetch_all(&app.app.db).await.expect("rows");
    assert_eq!(totals, [(0, 2)]);
}
