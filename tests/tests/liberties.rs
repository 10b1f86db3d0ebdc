//! No liberty that SPEC.md leaves to an implementation is a false alarm of the conformance kit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use strum::IntoEnumIterator;
use syncsplit_conform::process::Adapter;
use syncsplit_conform::random::Walk;
use syncsplit_conform::run;
use syncsplit_conform::script::Script;
use syncsplit_conform::session::{AdapterOptions, Session};
use syncsplit_conform::wire::Level;
use syncsplit_tests::liberties::Liberty;

const SEED: u64 = 7;

/// Random runs of our own implementation, taking one liberty at a level that is not steered.
fn no_false_alarm(liberty: Liberty, level: Level, runs: u64) {
    let name = format!("{} at {}", liberty.name(), level.name());
    let command =
        format!("{} --liberty {}", env!("CARGO_BIN_EXE_syncsplit-adapter"), liberty.name());
    let interrupt = Arc::new(AtomicBool::new(false));
    let mut adapter = Adapter::start(&command, Duration::from_secs(10), &interrupt, false).unwrap();
    let hello = adapter.hello().clone();
    let mut finished = 0;
    for number in 1..=runs {
        let seed = SEED + number;
        let how = AdapterOptions { level, sync_ms: 1000, seed, lease_ms: 10_000 };
        let (mut walk, script) = Walk::new(SEED, number, &hello, level);
        let setting = script.setting;
        let mut next = |session: &Session<'_>, at: usize| walk.next(session, at, level);
        let outcome = run::run(&mut adapter, how, &script, &[], &mut next).unwrap().unwrap();
        finished += u64::from(outcome.is_finished);
        if let Some(failure) = outcome.failure {
            let script = Script { setting, verbs: outcome.done };
            let (level, mismatch) = (level.name(), failure.mismatch);
            panic!(
                "{name}: {mismatch:#?}\nrepeat: syncsplit conform --adapter 'syncsplit-adapter --liberty {}' --level \
                 {level} --seed {seed} --script '{script}'",
                liberty.name()
            );
        }
    }
    // Runs in which too much may have happened to be followed say nothing.
    println!("{name}: {finished} of {runs} runs came to a backup");
    assert!(finished * 2 >= runs, "{name}: {finished} of {runs} runs came to a backup");
}

fn each(runs: u64) {
    for liberty in Liberty::iter() {
        for level in [Level::Marked, Level::BlackBox] {
            no_false_alarm(liberty, level, runs);
        }
    }
}

#[test]
fn no_liberty_is_a_false_alarm() {
    each(12);
}

#[test]
#[ignore = "fourteen thousand runs take an hour"]
fn nightly_no_liberty_is_a_false_alarm_in_a_thousand_runs() {
    each(1000);
}
