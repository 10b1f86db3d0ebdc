//! What the packed engine promises: it is the plainest search there is, whatever the threads.
//!
//! Never here: a run that cannot end well; see `limits.rs`.

use super::models::{Fault, Graph, Grid, Odd};
use super::packing::{Crook, Crooked, Drowsy, Wide};
use super::second_opinion::by_stateright;
use super::two_phase::{self, TwoPhase};
use super::{drowsy, plain, sums, timeless, verdicts, with_threads};
use stateright::{Model, Property};
use syncsplit_engine::packed::{Pack, explore, run};
use syncsplit_engine::{
    Doing, Ending, EngineError, Options, PackingFlaw, RunResult, SearchOutcome, StopAt, Trace,
    Verdict,
};

/// Runs the engine on one, two and three threads and compares it with the plain search.
fn assert_plain<M>(model: &M, kind: fn(&M::Action) -> usize)
where
    M: Pack + Sync,
    M::State: Clone + std::fmt::Debug + Eq + std::hash::Hash,
    M::Action: Clone + std::fmt::Debug + PartialEq,
{
    let plain = plain::search(model, kind);
    let mut before: Option<SearchOutcome<M::Action, M::State>> = None;
    for threads in [1, 2, 3, 2] {
        let options = Options { kind: Some(kind), ..with_threads(threads) };
        let (outcome, states) = explore(model, &options).unwrap();
        plain::assert_begins_with(model, &plain, &states);
        assert_eq!(states.len() as usize, plain.queue.len());
        plain::assert_is_plain(&outcome, &plain);
        let outcome = timeless(outcome);
        assert!(before.as_ref().is_none_or(|before| *before == outcome), "{threads} threads");
        before = Some(outcome);
    }
}

#[test]
fn two_phase_commit_is_searched_as_by_a_queue() {
    for rms in 1..=6 {
        assert_plain(&TwoPhase { rms }, two_phase::Action::kind);
    }
}

/// The counts that five engines agree on; TLC and stateright also count the initial state.
#[test]
#[ignore = "ten million states; run in release"]
fn two_phase_commit_with_nine_has_its_known_states() {
    let outcome = run(&TwoPhase { rms: 9 }, &with_threads(2)).unwrap();
    assert_eq!((outcome.distinct, outcome.transitions + 1), (10_340_352, 123_558_402));
    assert_eq!(outcome.depth, Some(28));
}

#[test]
fn random_graphs_are_searched_as_by_a_queue() {
    for seed in 0..40 {
        let graph = Graph { nodes: [40, 700, 20_000, 3][seed as usize % 4], seed };
        assert_plain(&graph, |edge| *edge as usize);
    }
}

#[test]
fn boundaries_deadlocks_and_properties_are_those_of_a_queue() {
    let kind: fn(&usize) -> usize = |counter| 3 * counter + 1;
    assert_plain(&Grid::<5> { top: 9, properties: sums(), ..Grid::default() }, kind);
    assert_plain(&Grid::<3> { top: 20, sum_max: Some(26), ..Grid::default() }, kind);
    assert_plain(&Grid::<20> { top: 1, sum_max: Some(4), ..Grid::default() }, kind);
    assert_plain(&Grid::<1> { top: 31, ..Grid::default() }, kind);
}

#[test]
fn the_first_violation_ends_a_run_after_its_level() {
    let grid = Grid::<5> { top: 11, properties: sums(), ..Grid::default() };
    let run_on = |threads| {
        let options = Options { stop: StopAt::FirstViolation, ..with_threads(threads) };
        timeless(run(&grid, &options).unwrap())
    };
    let one = run_on(1);
    use Verdict::{Reached, Unknown, Violated};
    assert_eq!(verdicts(&one), [Violated, Unknown, Violated, Reached, Unknown]);
    assert_eq!((one.ending, one.depth), (Ending::Violation, Some(23)));
    let lengths: Vec<_> = one.discoveries.iter().map(|d| d.trace.len()).collect();
    assert_eq!(lengths, [24, 24, 21]);
    assert!([2, 3, 8, 2].map(run_on).iter().all(|other| *other == one));
}

/// A slice can bring many times the states that there were before.
#[test]
fn a_state_with_very_many_successors_is_no_exception() {
    for fan in [300, 100_000] {
        assert_plain(&Wide { fan }, |_| 0);
    }
}

/// A model without initial states, or with none within its boundary.
#[test]
fn nothing_is_searched_to_its_end() {
    struct Void(Graph);
    impl Model for Void {
        type State = u64;
        type Action = u64;
        fn init_states(&self) -> Vec<u64> {
            Vec::new()
        }
        fn actions(&self, node: &u64, actions: &mut Vec<u64>) {
            self.0.actions(node, actions);
        }
        fn next_state(&self, node: &u64, edge: u64) -> Option<u64> {
            self.0.next_state(node, edge)
        }
    }
    impl Pack for Void {
        type Packed = [u64; 3];
        fn pack(&self, node: &u64) -> [u64; 3] {
            self.0.pack(node)
        }
        fn unpack(&self, packed: &[u64; 3]) -> u64 {
            self.0.unpack(packed)
        }
    }
    let (outcome, states) = explore(&Void(Graph { nodes: 9, seed: 1 }), &with_threads(2)).unwrap();
    assert_eq!((outcome.distinct, outcome.depth, outcome.levels.len()), (0, None, 0));
    assert_eq!(outcome.ending, Ending::Complete);
    assert!(states.is_empty() && states.ids().next().is_none());
}

#[test]
fn an_eventually_is_refused() {
    let grid = || {
        let properties = vec![Property::eventually("in the end", |_, _| true)];
        Grid::<2> { top: 2, properties, ..Grid::default() }
    };
    let refused = EngineError::EventuallyRefused { property: "in the end" };
    assert_eq!(run(&grid(), &Options::default()).as_ref(), Err(&refused));
    assert_eq!(by_stateright(grid(), &Options::default()), Err(refused));
}

/// What panics, and what the model was doing then.
pub(crate) const PANICS: [(Fault, Doing); 5] = [
    (Fault::InitPanics, Doing::Setup),
    (Fault::ActionsPanic, Doing::Actions),
    (Fault::NextPanics, Doing::NextState),
    (Fault::BoundaryPanics, Doing::Boundary),
    (Fault::PropertyPanics, Doing::Property("below the bad")),
];

/// What an engine says of a panic: its text, what the model was doing, the way there, and the action at hand.
pub(crate) type Panic = (String, Doing, Trace<u64, u64>, Option<u64>);

pub(crate) fn panic_of(fault: Fault, result: RunResult<Odd>) -> Panic {
    let Err(EngineError::ModelPanicked { message, doing, trace, action }) = result else {
        panic!("{fault:?} gave {result:?}");
    };
    assert!(message.starts_with("blown at 100"), "{message}");
    (message, doing, trace, action)
}

#[test]
fn a_panic_in_the_model_is_an_error_that_names_the_place() {
    for (fault, where_it_was) in PANICS {
        let mut before = None;
        for threads in [1, 2, 3] {
            let result = run(&Odd::new(fault), &with_threads(threads));
            let (message, doing, trace, action) = panic_of(fault, result);
            assert_eq!(doing, where_it_was);
            let in_step = matches!(fault, Fault::NextPanics | Fault::BoundaryPanics);
            assert_eq!(action.is_some(), in_step, "{fault:?}: {action:?}");
            let steps = trace.len().saturating_sub(1);
            assert_eq!(steps, if fault == Fault::InitPanics { 0 } else { steps.clamp(499, 501) });
            let this = (message, trace, action);
            assert!(before.as_ref().is_none_or(|before| *before == this), "{fault:?}");
            before = Some(this);
        }
    }
}

/// The order in which steps are listed differs from state to state, so that any of them may sleep.
#[test]
fn with_sleep_sets_states_have_the_numbers_they_have_without() {
    let model = drowsy::<4>(7, false);
    assert_plain(&model, |counter| *counter);
    let taken = |model: &Drowsy<4>| model.taken.swap(0, std::sync::atomic::Ordering::Relaxed);
    taken(&model);
    let outcome = run(&model, &with_threads(2)).unwrap();
    let (asleep, of) = (taken(&model), outcome.transitions);
    assert_eq!((outcome.distinct, of), (8_u64.pow(4), 4 * 7 * 8_u64.pow(3)));
    // Those of a quarter of the states are taken once more, to try the packing out.
    let tried_out = if cfg!(debug_assertions) { of } else { 0 };
    assert!(asleep < tried_out + of * 3 / 4, "{asleep} of {of} steps were taken");
}

#[test]
fn steps_that_do_not_commute_end_the_run() {
    let result = run(&drowsy::<4>(7, true), &with_threads(2));
    let Err(EngineError::PackingBroken { flaw, .. }) = result else {
        panic!("it gave {result:?}");
    };
    assert_eq!(flaw, PackingFlaw::Order);
}

fn crooked(crook: Crook, from: u64) -> Crooked {
    Crooked { crook, from, asked: 0.into() }
}

#[test]
fn a_packing_that_loses_something_is_found_out() {
    let cases = [
        (Crook::Lossy, PackingFlaw::RoundTrip),
        (Crook::Beyond, PackingFlaw::Bits),
        (Crook::Forgets, PackingFlaw::Successors),
        (Crook::Cuts, PackingFlaw::Successors),
        (Crook::Swaps, PackingFlaw::Successors),
        (Crook::Lies, PackingFlaw::Property),
    ];
    for (crook, expected) in cases {
        for from in [0, 1, 700] {
            let result = run(&crooked(crook, from), &with_threads(2));
            let Err(EngineError::PackingBroken { flaw, trace }) = result else {
                panic!("{crook:?} from {from} on gave {result:?}");
            };
            assert_eq!(flaw, expected, "{crook:?}");
            let last = trace.last().map_or(0, |(_, state)| *state);
            assert!((from.saturating_sub(2)..from + 600).contains(&last), "{crook:?} at {last}");
        }
    }
}

#[test]
fn a_model_that_changes_its_mind_is_found_out() {
    for from in [0, 700] {
        let result = run(&crooked(Crook::Moody, from), &with_threads(2));
        let ending = result.as_ref().map(|outcome| outcome.ending);
        assert!(matches!(result, Err(EngineError::NotRepeatable { .. })), "{ending:?}");
    }
}
