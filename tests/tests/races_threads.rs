//! The races on the operating system's threads: many repetitions of each, every trace replayed. What an interleaving
//! needs luck for is in `races_loom` and `races_shuttle`.

use syncsplit_tests::scenarios::{Failure, LARGE, SCENARIOS, Verified};

/// How often each race is run.
const REPETITIONS: usize = 2_000;

#[test]
fn every_race_is_allowed_by_the_model() -> Result<(), Failure> {
    for scenario in SCENARIOS {
        for size in [scenario.small, LARGE] {
            let verified = Verified::default();
            for repetition in 0..REPETITIONS {
                let played = (scenario.run)(size).and_then(|outcome| verified.verify(outcome));
                played
                    .map_err(|why| format!("{}, repetition {repetition}: {why}", scenario.name))?;
            }
        }
    }
    Ok(())
}
