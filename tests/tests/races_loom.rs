//! The races under loom: every interleaving of the small sizes, and the trace of every execution replayed through the
//! model, equal outcomes once. `cargo test --release -p syncsplit-tests --features loom --test races_loom -- --nocapture`
//! prints how many executions there were and under which bound.
#![cfg(feature = "loom")]
#![allow(clippy::panic, reason = "a panic inside the model is how loom learns of a failure")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use syncsplit_tests::scenarios::{SCENARIOS, Scenario, Verified};

/// Lock, condition and volume operations of one execution; loom's own limit is far below what a resync takes.
const BRANCHES_MAX: usize = 20_000;

/// The scene of this name.
fn scenario(name: &str) -> Scenario {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    *found.unwrap_or_else(|| panic!("there is no scene {name}"))
}

/// Plays every interleaving.
fn explore(name: &'static str) {
    let Scenario { run, small, preemptions, .. } = scenario(name);
    // `std`'s, since it counts over all executions.
    let (executions, records) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (counted, traced) = (Arc::clone(&executions), Arc::clone(&records));
    let verified = Arc::new(Verified::default());
    let verifier = Arc::clone(&verified);
    let mut builder = loom::model::Builder::new();
    builder.max_branches = BRANCHES_MAX;
    // Without a bound of the scene's own, loom's `LOOM_MAX_PREEMPTIONS` is heard.
    builder.preemption_bound = preemptions.or(builder.preemption_bound);
    let bound = match builder.preemption_bound {
        Some(most) => format!("max_preemptions {most}"),
        None => "no preemption bound".to_owned(),
    };
    let begun = Instant::now();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let outcome = run(small).unwrap_or_else(|why| panic!("{name}: {why}"));
        traced.fetch_add(outcome.trace.len() as u64, Ordering::Relaxed);
        if let Err(why) = verifier.verify(outcome) {
            panic!("{name}: {why}");
        }
    });
    let (executions, records) =
        (executions.load(Ordering::Relaxed), records.load(Ordering::Relaxed));
    println!(
        "{name}: {executions} executions, {bound}, {small:?}, {records} records, {} outcomes replayed, {:.1} s",
        verified.distinct(),
        begun.elapsed().as_secs_f64()
    );
}

macro_rules! races {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                explore(stringify!($name));
            }
        )*

        /// A race that is in the table and not here would never be explored.
        #[test]
        fn every_race_is_explored() {
            let explored = [$(stringify!($name)),*];
            let table: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            assert_eq!(table, explored);
        }
    };
}

races! {
    two_host_writers_and_the_sender
    writer_and_failure_suspension
    acknowledgement_and_resync
    sync_polling_while_suspended_and_resynced
    applier_replica_copier_and_split
    lease_expiry_thaw_and_permission
    suspension_handshake_and_writer
    suspended_reply_acknowledgement_and_resync
    takeover_frame_arrival_and_apply
    takeover_in_copy_and_gold_copy
    hold_lease_writer_and_permission
}
