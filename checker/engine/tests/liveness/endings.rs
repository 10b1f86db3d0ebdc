//! How a run ends when it cannot end well, and what it still says then.
//!
//! Never here: what a complete run says about promises; see `traps.rs`.

use super::{verdicts, with_threads};
use stateright::{Model, Property};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use syncsplit_engine::liveness::{self, FAIRNESS_MAX, Faults, Live, Promise};
use syncsplit_engine::{
    Doing, Ending, EngineError, Limit, Limits, Options, Progress, StopAt, Verdict, packed,
};

/// Where [`Ring`] misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twist {
    None,
    /// Telling whether all is repaired takes a while.
    Slow,
    FairnessPanics,
    RepairedPanics,
    PromisePanics,
    /// A fair action has a number for which there is no room.
    TooLarge,
    /// After the search there are other successors than before.
    Fickle,
    /// The same, but only once the edges are made.
    FickleInTheEnd,
    /// The interrupt comes after the edges are made and before anything is judged.
    InterruptedInTheEnd,
    /// An `always` is violated half way round.
    Unsafe,
}

/// A ring that is gone round for ever; 0 is to be reached from 1.
struct Ring {
    twist: Twist,
    states: u64,
    /// Set when something is asked that only promises need.
    judging: AtomicBool,
    /// Set when the edges are made: initial states are asked for once more, for the stems.
    made: AtomicBool,
    stop: AtomicBool,
}

impl Ring {
    const BAD: u64 = 5_000;

    fn new(twist: Twist) -> Self {
        Self {
            twist,
            states: 10_000,
            judging: AtomicBool::new(false),
            made: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        }
    }

    fn blow(&self, twist: Twist, at: u64) {
        assert!(self.twist != twist || at != Self::BAD, "blown at {at}");
    }
}

impl Model for Ring {
    type State = u64;
    type Action = bool;

    fn init_states(&self) -> Vec<u64> {
        let made = self.judging.load(Ordering::Relaxed);
        self.made.fetch_or(made, Ordering::Relaxed);
        let interrupts = made && self.twist == Twist::InterruptedInTheEnd;
        self.stop.fetch_or(interrupts, Ordering::Relaxed);
        vec![0]
    }

    /// One step, and two steps as a fault.
    fn actions(&self, _: &u64, actions: &mut Vec<bool>) {
        actions.extend([false, true]);
    }

    fn next_state(&self, state: &u64, skips: bool) -> Option<u64> {
        let late = match self.twist {
            Twist::Fickle => self.judging.load(Ordering::Relaxed),
            Twist::FickleInTheEnd => self.made.load(Ordering::Relaxed),
            _ => false,
        };
        let next = (state + 1 + u64::from(skips)) % self.states;
        Some(if late { next + self.states } else { next })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("small", |ring, state| {
                ring.twist != Twist::Unsafe || *state < Self::BAD
            }),
            Property::sometimes("far", |ring, state| *state == ring.states - 1),
        ]
    }
}

packs_numbers!(Ring);

impl Live for Ring {
    fn fairness(&self, state: &u64, skips: &bool) -> Option<u8> {
        self.blow(Twist::FairnessPanics, *state);
        match (self.twist, *state) {
            (Twist::TooLarge, Self::BAD) if !skips => Some(FAIRNESS_MAX + 1),
            _ => (!skips).then_some(0),
        }
    }

    fn is_fault(&self, _: &u64, skips: &bool) -> bool {
        *skips
    }

    fn is_repaired(&self, state: &u64) -> bool {
        self.blow(Twist::RepairedPanics, *state);
        self.judging.store(true, Ordering::Relaxed);
        if self.twist == Twist::Slow {
            std::thread::sleep(Duration::from_micros(300));
        }
        true
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        let promise = |name, to| Promise {
            name,
            says: "1 leads to it",
            from: |ring: &Self, state: &u64| {
                ring.blow(Twist::PromisePanics, *state);
                *state == 1
            },
            to,
            faults: Faults::HaveEnded,
        };
        vec![promise("home", |_, state| *state == 0), promise("never", |_, _| false)]
    }
}

#[test]
fn one_run_settles_properties_and_promises() {
    let ring = Ring::new(Twist::None);
    let outcome = liveness::run(&ring, &with_threads(2)).unwrap();
    let alone = packed::run(&ring, &with_threads(2)).unwrap();
    assert_eq!(outcome.ending, Ending::Complete);
    assert_eq!(outcome.properties, alone.properties);
    assert_eq!(outcome.discoveries, alone.discoveries);
    assert_eq!((outcome.distinct, outcome.transitions), (alone.distinct, alone.transitions));
    assert_eq!(verdicts(&outcome), [Verdict::Holds, Verdict::Violated]);
    assert!(alone.promises.is_empty());
    let lasso = outcome.promises[1].lasso.as_ref().unwrap();
    assert_eq!((lasso.stem.len(), lasso.cycle.len()), (2, 10_001));
}

#[test]
fn a_violated_property_leaves_promises_open_or_not_as_asked() {
    let first = liveness::run(&Ring::new(Twist::Unsafe), &with_threads(2)).unwrap();
    assert_eq!(first.ending, Ending::Violation);
    assert_eq!(verdicts(&first), [Verdict::Unknown; 2]);
    let options = Options { stop: StopAt::Exhaust, ..with_threads(2) };
    let all = liveness::run(&Ring::new(Twist::Unsafe), &options).unwrap();
    assert_eq!((all.ending, all.properties[0].verdict), (Ending::Complete, Verdict::Violated));
    assert_eq!(verdicts(&all), [Verdict::Holds, Verdict::Violated]);
}

#[test]
fn a_limit_of_the_search_never_yields_a_verdict() {
    let states = Limits { states: Some(3_000), ..Limits::default() };
    let memory = Limits { memory_bytes: Some(1), ..Limits::default() };
    for (limits, limit) in [(states, Limit::States), (memory, Limit::Memory)] {
        let options = Options { limits, ..with_threads(2) };
        let outcome = liveness::run(&Ring::new(Twist::None), &options).unwrap();
        assert_eq!(outcome.ending, Ending::Limit(limit));
        assert_eq!(verdicts(&outcome), [Verdict::Unknown; 2]);
        assert!(outcome.promises.iter().all(|promise| promise.from_states.is_none()));
    }
}

#[test]
fn a_limit_while_promises_are_judged_leaves_them_open_and_properties_settled() {
    let limits = Limits { time: Some(Duration::from_millis(400)), ..Limits::default() };
    let ring = Ring::new(Twist::Slow);
    let began = Instant::now();
    let outcome = liveness::run(&ring, &Options { limits, ..with_threads(2) }).unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "the limit came late");
    assert!(ring.judging.into_inner(), "the search was done by then");
    assert_eq!(outcome.ending, Ending::Limit(Limit::Time));
    assert!(!outcome.is_complete());
    assert_eq!(verdicts(&outcome), [Verdict::Unknown; 2]);
    let settled: Vec<_> = outcome.properties.iter().map(|property| property.verdict).collect();
    assert_eq!(settled, [Verdict::Holds, Verdict::Reached]);
}

#[test]
fn progress_is_told_and_an_interrupt_heard_while_promises_are_judged() {
    let ring = Ring::new(Twist::Slow);
    let stop = AtomicBool::new(false);
    let told = RefCell::new(Vec::new());
    let progress = |progress: &Progress| {
        if ring.judging.load(Ordering::Relaxed) {
            let mut told = told.borrow_mut();
            told.push(*progress);
            stop.store(told[told.len() - 1].queue < told[0].queue, Ordering::Relaxed);
        }
    };
    let options = Options { interrupt: Some(&stop), progress: Some(&progress), ..with_threads(2) };
    let outcome = liveness::run(&ring, &options).unwrap();
    assert_eq!(outcome.ending, Ending::Limit(Limit::Interrupted));
    assert_eq!(verdicts(&outcome), [Verdict::Unknown; 2]);
    let told = told.into_inner();
    assert_eq!((told[0].distinct, told[0].transitions), (10_000, 20_000));
    assert!(told.len() > 1 && told[told.len() - 1].queue < Some(10_000), "{told:?}");
}

#[test]
fn what_was_left_while_it_was_judged_is_unknown() {
    let ring = Ring::new(Twist::InterruptedInTheEnd);
    let options = Options { interrupt: Some(&ring.stop), ..with_threads(2) };
    let outcome = liveness::run(&ring, &options).unwrap();
    assert_eq!(outcome.ending, Ending::Limit(Limit::Interrupted));
    assert_eq!(verdicts(&outcome), [Verdict::Unknown; 2]);
    assert!(outcome.promises.iter().all(|promise| promise.from_states == Some(1)));
}

#[test]
fn a_panic_of_the_model_is_an_error_that_names_the_place() {
    let cases = [
        (Twist::FairnessPanics, Doing::Fairness),
        (Twist::RepairedPanics, Doing::Fairness),
        (Twist::PromisePanics, Doing::Promise("home")),
    ];
    for (twist, where_it_was) in cases {
        let result = liveness::run(&Ring::new(twist), &with_threads(3));
        let Err(EngineError::ModelPanicked { message, doing, trace, action }) = result else {
            panic!("{twist:?} gave {result:?}");
        };
        assert_eq!((message.as_str(), doing), ("blown at 5000", where_it_was));
        assert_eq!((trace.len(), trace.last().unwrap().1), (2_501, Ring::BAD));
        assert_eq!(action.is_some(), twist == Twist::FairnessPanics);
    }
}

#[test]
fn fairness_that_makes_no_sense_is_refused_by_name() {
    let result = liveness::run(&Ring::new(Twist::TooLarge), &with_threads(2));
    let text = result.as_ref().unwrap_err().to_string();
    assert_eq!(text, "the action false is fair under the number 64; the largest is 63");
    let Err(EngineError::FairnessTooLarge { number: 64, most: 63, action, trace }) = result else {
        panic!("{result:?}");
    };
    assert_eq!((action, trace.last().unwrap().1), (false, Ring::BAD));
}

#[test]
fn a_model_that_changes_its_mind_is_found_out() {
    for twist in [Twist::Fickle, Twist::FickleInTheEnd] {
        let result = liveness::run(&Ring::new(twist), &with_threads(2));
        assert!(matches!(result, Err(EngineError::NotRepeatable { .. })), "{twist:?}: {result:?}");
    }
}
