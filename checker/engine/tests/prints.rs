//! A search by fingerprint finds what the exact one finds, as long as no two states meet.
//!
//! Never here: how likely they meet; see the engine's own tests of fingerprints.

use super::models::{Fault, Graph, Grid, Odd};
use super::packing::Wide;
use super::two_phase::TwoPhase;
use super::{sums, timeless, with_threads};
use std::fmt::Debug;
use std::hash::Hash;
use syncsplit_engine::packed::{Pack, explore, run};
use syncsplit_engine::{Ending, EngineError, Options, StopAt, Store};

fn by_print<A>(threads: usize, seed: u64) -> Options<'static, A> {
    Options { store: Store::Fingerprint { seed }, ..with_threads(threads) }
}

/// Counts, verdicts and traces are those of the exact search, whatever seed and threads.
fn assert_exact<M>(model: &M)
where
    M: Pack + Sync,
    M::State: Clone + Debug + Eq + Hash,
    M::Action: Clone + Debug + PartialEq,
{
    let exact = timeless(run(model, &with_threads(2)).unwrap());
    for (threads, seed) in [(1, 0), (2, 0), (3, 0), (2, 1), (1, u64::MAX)] {
        let (outcome, states) = explore(model, &by_print(threads, seed)).unwrap();
        assert_eq!(timeless(outcome), exact, "{threads} threads, seed {seed}");
        // The last level was left behind as well, but for what shares memory with nothing yet.
        let kept = states.ids().filter(|id| states.state(*id).is_some()).count();
        assert!(kept < 1 << 14, "{kept} states are kept");
    }
}

#[test]
fn what_is_found_by_fingerprint_is_what_is_found() {
    (1..=7).for_each(|rms| assert_exact(&TwoPhase { rms }));
    for seed in 0..8 {
        assert_exact(&Graph { nodes: [40, 20_000, 90_000, 3][seed as usize % 4], seed });
    }
    assert_exact(&Grid::<5> { top: 9, properties: sums(), ..Grid::default() });
    assert_exact(&Grid::<3> { top: 20, sum_max: Some(26), ..Grid::default() });
    assert_exact(&Wide { fan: 100_000 });
}

#[test]
fn a_violation_is_shown_by_the_same_trace() {
    let grid = Grid::<5> { top: 11, properties: sums(), ..Grid::default() };
    let stop = |options: Options<'static, usize>| {
        let options = Options { stop: StopAt::FirstViolation, ..options };
        timeless(run(&grid, &options).unwrap())
    };
    let exact = stop(with_threads(2));
    assert_eq!(exact.ending, Ending::Violation);
    assert_eq!(stop(by_print(2, 3)), exact);
}

#[test]
fn a_panic_is_placed_although_the_states_before_are_gone() {
    let result = run(&Odd::new(Fault::NextPanics), &by_print(2, 0));
    let Err(EngineError::ModelPanicked { trace, action, .. }) = result else {
        panic!("{result:?}");
    };
    assert!((499..=501).contains(&(trace.len() - 1)) && action.is_some());
}
