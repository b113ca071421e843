//! Any sequence of commands leaves the engine where it leaves a model that fits on a few pages.
//!
//! A sequence that fails is made shorter, printed, and kept in `regressions.txt`, which is tried first from then on.
//! `PROPTEST_CASES=2000` tries more of them, `PROPTEST_RNG_SEED=7` others.

mod commands;
mod engine;
mod model;
mod view;

use std::time::Duration;

use ::model::tasks::RetryStrategy;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseResult, TestRunner};
use serde::Deserialize;
use serde_json::Value;
use server::tasks::kinds::{BreakerPolicy, Context, Kind, Kinds, Policy, Rate, Stop, Work};

use self::commands::{BURST, COOLDOWN, Command, Does, FAILURES, KINDS, MAX_RUNNING, PROBES, WINDOW, commands};
use self::engine::Engine;
use self::model::Model;
use self::view::View;
use crate::support::TestApp;

const CASES: u32 = 128;
const COMMANDS: usize = 40;
/// Runs of the test that a failing sequence may take to become short.
const SHRINKS: u32 = 3000;
const REGRESSIONS: &str = "tests/all/property/regressions.txt";

/// A unit of time: so long that the time which a test takes does not matter.
const UNIT: Duration = Duration::from_secs(600);

/// The types, by their numbers in [`commands`].
const NAMES: [&str; KINDS] = ["plain", "limited", "forgetful", "rated", "fragile"];

#[derive(Deserialize)]
struct Told<const KIND: usize> {
    does: Does,
}

impl<const KIND: usize> Work for Told<KIND> {
    const NAME: &'static str = NAMES[KIND];
    const DESCRIPTION: &'static str = "Does what its payload says.";

    async fn run(self, _: &Context) -> Result<Value, Stop> {
        match self.does {
            Does::Succeed => Ok(Value::Null),
            Does::Fail => Err(Stop::Retry("not yet".into())),
            Does::Snooze => Err(Stop::Snooze(UNIT)),
            Does::Die => Err(Stop::Fatal("no".into())),
        }
    }
}

fn units(units: i64) -> Duration {
    UNIT * u32::try_from(units).expect("time goes on")
}

fn kinds() -> Kinds {
    let plain = Policy { retry: RetryStrategy::None, breaker: None, ..Policy::default() };
    let limited = Policy { max_running: Some(MAX_RUNNING as i32), ..plain.clone() };
    let forgetful = Policy { keep_completed: false, ..plain.clone() };
    let rate = Rate { per_second: UNIT.as_secs_f64().recip(), burst: BURST as f64 };
    let rated = Policy { rate: Some(rate), ..plain.clone() };
    let breaker = BreakerPolicy {
        failures: FAILURES,
        ratio: 0.5,
        window: units(WINDOW),
        cooldown: units(COOLDOWN),
        probes: PROBES,
    };
    let fragile = Policy { breaker: Some(breaker), ..plain.clone() };
    Kinds::default()
        .and(Kind::of::<Told<0>>().with(plain))
        .and(Kind::of::<Told<1>>().with(limited))
        .and(Kind::of::<Told<2>>().with(forgetful))
        .and(Kind::of::<Told<3>>().with(rated))
        .and(Kind::of::<Told<4>>().with(fragile))
}

/// The same sequences each time, unless the environment asks for others.
fn config() -> Config {
    let default = Config::default();
    Config {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { CASES },
        rng_seed: if default.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { default.rng_seed },
        max_shrink_iters: SHRINKS,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..default
    }
}

#[test]
fn the_engine_does_what_the_model_says() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let app = runtime.block_on(TestApp::with_kinds(kinds(), |_| ()));
    let tried = TestRunner::new(config()).run(&commands(COMMANDS), |commands| runtime.block_on(agree(&app, commands)));
    if let Err(failed) = tried {
        panic!("{failed}\nAgain, with this sequence from {REGRESSIONS} first: cargo xtask test property");
    }
    runtime.block_on(Engine::new(&app));
}

/// Tells both the same, and compares what they say and what can be seen after each command.
async fn agree(app: &TestApp, commands: Vec<Command>) -> TestCaseResult {
    let (mut model, mut engine) = (Model::default(), Engine::new(app).await);
    for command in [Command::Join, Command::Join].into_iter().chain(commands) {
        let Some(command) = command.on(&model) else { continue };
        let said = engine.apply(&command).await.map_err(|error| failed(&command, &error))?;
        let expected = model.apply(&command, &said);
        prop_assert_eq!(said, expected, "the answer to {:?}", command);
        let (seen, numbers) = View::of_engine(&engine).await.map_err(|error| failed(&command, &error))?;
        let expected = View::of_model(&model);
        prop_assert!(seen == expected, "after {:?} there is\n{:#?}\nand not\n{:#?}", command, seen, expected);
        model.take_order(&numbers).map_err(|why| failed(&command, &why))?;
    }
    Ok(())
}

fn failed(command: &Command, why: &dyn std::fmt::Debug) -> TestCaseError {
    TestCaseError::fail(format!("{command:?}: {why:?}"))
}
