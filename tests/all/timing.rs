//! Whether somebody has an account can not be told by the work or the time that an answer takes. (A registration says so in words, by the
//! contract of the API; its time says nothing beyond that.)
//!
//! The work is counted, which no busy machine disturbs. The time is measured as well: 500 requests of each sort by turns, medians compared; when
//! they differ, 500 more, and once more. `cargo xtask mutate verify_anybody` shows that both notice a login that does not do the equal work.

use std::ops::Range;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use server::config::{LimitsConfig, Rate};

use crate::support::statements::Statements;
use crate::support::{Answer, PASSWORD, TestApp, account};

/// Requests of each sort that are compared.
const TURNS: usize = 500;
const ROUNDS: usize = 3;
/// How far the slowest median may be above the quickest, as a part of it.
const TOLERANCE: f64 = 0.05;

/// One sort of request. `ask` is told its turn, so that no address gets two letters.
struct Sort<'a> {
    name: &'static str,
    status: u16,
    ask: Box<dyn Fn(usize) -> RequestBuilder + 'a>,
}

fn post<'a>(
    app: &'a TestApp,
    path: &'static str,
    name: &'static str,
    status: u16,
    body: impl Fn(usize) -> Value + 'a,
) -> Sort<'a> {
    let ask = Box::new(move |turn| app.request(Method::POST, path).json(&body(turn)));
    Sort { name, status, ask }
}

/// With limits that are on, but never reached, so that a request does all that it does in production.
async fn app() -> TestApp {
    let app = TestApp::with(|config| {
        let plenty = Rate::of(1_000_000, 3600);
        config.limits = LimitsConfig {
            login_per_account: plenty,
            login_per_address: plenty,
            password_per_session: plenty,
            register_per_address: plenty,
            reset_per_account: plenty,
            reset_per_address: plenty,
            verify_per_account: plenty,
            share_per_account: plenty,
            email_per_account: plenty,
        };
    })
    .await;
    app.register("Ada").await;
    let bob = app.register("Bob").await;
    app.change(bob.id, "update users set is_active = false where id = $1").await;
    app
}

fn logins(app: &TestApp) -> [Sort<'_>; 3] {
    let wrong = |name: &'static str| move |_| json!({"username": name, "password": "not this one"});
    let path = "/api/v1/auth/login";
    [
        post(app, path, "wrong", 401, wrong("Ada")),
        post(app, path, "inactive", 401, wrong("Bob")),
        post(app, path, "missing", 401, wrong("Nobody")),
    ]
}

fn registrations(app: &TestApp) -> [Sort<'_>; 3] {
    let path = "/api/v1/auth/register";
    let with_email = |turn, email| json!({"username": format!("taken-{turn}"), "email": email, "password": PASSWORD});
    let with_name =
        |turn| json!({"username": "Ada", "email": format!("else-{turn}@example.com"), "password": PASSWORD});
    [
        post(app, path, "free", 200, |turn| account(&format!("free-{turn}"))),
        post(app, path, "taken email", 409, move |turn| with_email(turn, "ada@example.com")),
        post(app, path, "taken name", 409, with_name),
    ]
}

/// Each address is asked for once: a second letter within a minute is not queued.
fn resets(app: &TestApp) -> [Sort<'_>; 3] {
    let path = "/api/v1/auth/password/forgot";
    let of = |name: &'static str| move |turn| json!({"email": format!("{name}-{turn}@example.com")});
    [
        post(app, path, "existing", 200, of("active")),
        post(app, path, "inactive", 200, of("inactive")),
        post(app, path, "missing", 200, of("nobody")),
    ]
}

/// Accounts for as many resets as there can be.
async fn fill(app: &TestApp) {
    sqlx::query(
        "insert into users (id, username, email, password_hash, role, is_active)
         select gen_random_uuid(), name || '-' || turn, name || '-' || turn || '@example.com', 'none', 'user', name = 'active'
         from unnest(array['active', 'inactive']) as name, generate_series(0, $1) as turn",
    )
    .bind(i32::try_from(TURNS * ROUNDS).unwrap())
    .execute(&app.app.db)
    .await
    .unwrap();
}

/// Adds the time of each sort, by turns that each sort begins as often as the others, and tells the medians of all so far.
async fn medians(sorts: &[Sort<'_>], took: &mut [Vec<Duration>], turns: Range<usize>) -> Vec<Duration> {
    for turn in turns {
        for place in (0..sorts.len()).map(|place| (place + turn) % sorts.len()) {
            let (sort, begun) = (&sorts[place], Instant::now());
            let answer = Answer::to((sort.ask)(turn)).await;
            took[place].push(begun.elapsed());
            assert_eq!(answer.status, sort.status, "{}: {}", sort.name, answer.text);
        }
    }
    took.iter_mut().for_each(|times| times.sort_unstable());
    took.iter().map(|times| times[times.len() / 2]).collect()
}

fn apart(medians: &[Duration]) -> f64 {
    let (quickest, slowest) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    slowest.as_secs_f64() / quickest.as_secs_f64() - 1.0
}

async fn take_alike(sorts: &[Sort<'_>]) {
    let names: Vec<_> = sorts.iter().map(|sort| sort.name).collect();
    let (mut took, mut found) = (vec![Vec::new(); sorts.len()], Vec::new());
    for round in 0..ROUNDS {
        let medians = medians(sorts, &mut took, round * TURNS..(round + 1) * TURNS).await;
        println!("{names:?}: {medians:.2?}, {:.1} % apart", apart(&medians) * 100.0);
        found.push(apart(&medians));
        if found[round] <= TOLERANCE {
            return;
        }
    }
    panic!("{names:?} differ in each round: {found:.3?}");
}

#[tokio::test]
async fn a_login_takes_the_same_time_whoever_it_is_for() {
    let app = app().await;
    take_alike(&logins(&app)).await;
}

#[tokio::test]
async fn a_registration_takes_the_same_time_whether_or_not_the_name_is_free() {
    let app = app().await;
    take_alike(&registrations(&app)).await;
    app.take_letters_back().await;
}

#[tokio::test]
async fn asking_for_a_reset_takes_the_same_time_whoever_it_is_for() {
    let app = app().await;
    fill(&app).await;
    take_alike(&resets(&app)).await;
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_login_that_is_not_hashed_would_be_seen() {
    let app = app().await;
    let nameless = post(&app, "/api/v1/auth/login", "nameless", 400, |_| json!({"password": "not this one"}));
    let [wrong, ..] = logins(&app);
    let medians = medians(&[wrong, nameless], &mut [Vec::new(), Vec::new()], 0..20).await;
    assert!(apart(&medians) > 10.0 * TOLERANCE, "{medians:?}");
}

/// Argon2 computations and statements of one request; without how its transaction ends, what the bell tells after it, and what sqlx asks
/// about types on each new connection.
async fn work_of(app: &TestApp, sort: &Sort<'_>) -> (u64, Vec<String>) {
    let (said, before) = (Statements::listen(), app.app.hasher.computed());
    let answer = Answer::to((sort.ask)(0)).await;
    assert_eq!(answer.status, sort.status, "{}: {}", sort.name, answer.text);
    let others = ["pg_notify", "pg_catalog", "COMMIT", "ROLLBACK"];
    let is_of_request = |statement: &String| !others.iter().any(|other| statement.contains(other));
    (app.app.hasher.computed() - before, said.so_far().into_iter().filter(is_of_request).collect())
}

#[tokio::test]
async fn the_work_is_the_same_whoever_it_is_for() {
    let app = app().await;
    fill(&app).await;
    for (sorts, hashes, least) in [(logins(&app), 1, 3), (registrations(&app), 1, 3), (resets(&app), 0, 4)] {
        let first = work_of(&app, &sorts[0]).await;
        assert_eq!(first.0, hashes, "{}", sorts[0].name);
        assert!(first.1.len() >= least, "{:?}", first.1);
        for sort in &sorts[1..] {
            assert_eq!(work_of(&app, sort).await, first, "{}", sort.name);
        }
    }
    app.take_letters_back().await;
}
