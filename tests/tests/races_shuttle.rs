//! The races under shuttle: larger sizes, interleavings chosen at random and by PCT, from seeds that are printed. A
//! failure prints a schedule that plays it again. `SYNCSPLIT_SHUTTLE_ITERATIONS` sets how many of each, and
//! `SYNCSPLIT_SHUTTLE_SEED` where they begin.
#![cfg(feature = "shuttle")]
#![allow(clippy::panic, reason = "a panic inside the run is how shuttle learns of a failure")]

use std::sync::Arc;
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use syncsplit_tests::scenarios::{LARGE, SCENARIOS, Scenario, Verified};

/// How many interleavings of each race by each scheduler, unless told otherwise.
const ITERATIONS: u64 = 25_000;

/// How many ordering constraints a bug may need for PCT to aim at it.
const PCT_DEPTH: usize = 3;

/// Bytes of stack for a thread of a scene, in debug builds too.
const STACK_BYTES: usize = 1 << 20;

/// The number in the environment variable, if there is one.
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn run(scenario: &Scenario, scheduler: impl Scheduler + 'static, says: &str) {
    let Scenario { name, run, .. } = *scenario;
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    let begun = Instant::now();
    let verified = Arc::new(Verified::default());
    let verifier = Arc::clone(&verified);
    let ran = Runner::new(scheduler, config).run(move || {
        let outcome = run(LARGE).unwrap_or_else(|why| panic!("{name}: {why}"));
        if let Err(why) = verifier.verify(outcome) {
            panic!("{name}: {why}");
        }
    });
    println!(
        "{name}: {ran} executions, {says}, {LARGE:?}, {} outcomes replayed, {:.1} s",
        verified.distinct(),
        begun.elapsed().as_secs_f64()
    );
}

/// Plays every race with the schedulers that `scheduler` makes from how many interleavings there are and a seed.
fn play<S: Scheduler + 'static>(says: &str, scheduler: impl Fn(usize, u64) -> S) {
    let iterations = usize::try_from(told("SYNCSPLIT_SHUTTLE_ITERATIONS").unwrap_or(ITERATIONS));
    let iterations = iterations.unwrap_or(usize::MAX);
    let seed = told("SYNCSPLIT_SHUTTLE_SEED").unwrap_or(0x5eed);
    for scenario in SCENARIOS {
        run(scenario, scheduler(iterations, seed), &format!("{says}, seed {seed:#x}"));
    }
}

#[test]
fn every_race_is_allowed_by_the_model_at_random() {
    play("random", |iterations, seed| RandomScheduler::new_from_seed(seed, iterations));
}

#[test]
fn every_race_is_allowed_by_the_model_by_pct() {
    let says = format!("PCT of depth {PCT_DEPTH}");
    play(&says, |iterations, seed| PctScheduler::new_from_seed(seed, PCT_DEPTH, iterations));
}
