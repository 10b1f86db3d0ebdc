//! How a run ends when it cannot end well: limits, interrupts, refusals, panics.
//!
//! Never here: what a complete run counts and finds; see `levels.rs`.

use super::levels::by_stateright;
use super::models::{Fault, Grid, Odd, sum};
use super::{verdicts, with_threads};
use stateright::Property;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use syncsplit_engine::{
    Doing, Ending, EngineError, Limit, Limits, Options, Progress, Verdict, levels,
};

#[test]
fn a_limit_never_yields_a_verdict() {
    let time = Limits { time: Some(Duration::from_millis(60)), ..Limits::default() };
    let states = Limits { states: Some(3_000), ..Limits::default() };
    let memory = Limits { memory_bytes: Some(1), ..Limits::default() };
    let cases = [
        (Fault::None, time, Limit::Time),
        (Fault::Slow, time, Limit::Time),
        (Fault::None, states, Limit::States),
        (Fault::None, memory, Limit::Memory),
    ];
    for (fault, limits, limit) in cases {
        let began = Instant::now();
        let options = Options { limits, ..with_threads(2) };
        let ours = levels::run(&Odd::new(fault), &options).unwrap();
        let theirs = by_stateright(Odd::new(fault), &Options { threads: 1, ..options }).unwrap();
        for outcome in [ours, theirs] {
            assert_eq!(outcome.ending, Ending::Limit(limit));
            assert!(!outcome.is_complete());
            assert_eq!(verdicts(&outcome), [Verdict::Unknown]);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{limit:?} came late");
    }
}

#[test]
fn progress_is_told_and_an_interrupt_heard() {
    for second_opinion in [false, true] {
        let stop = AtomicBool::new(false);
        let told = std::cell::RefCell::new(Vec::new());
        let progress = |p: &Progress| {
            told.borrow_mut().push(*p);
            stop.store(told.borrow().len() == 2, Ordering::Relaxed);
        };
        let options =
            Options { interrupt: Some(&stop), progress: Some(&progress), ..with_threads(2) };
        let odd = Odd::new(Fault::None);
        let outcome = match second_opinion {
            false => levels::run(&odd, &options).unwrap(),
            true => by_stateright(odd, &options).unwrap(),
        };
        assert_eq!(outcome.ending, Ending::Limit(Limit::Interrupted));
        let told = told.into_inner();
        assert!(told.len() >= 2 && told[1].seconds > told[0].seconds);
        assert!(told[1].distinct > 0 && told[1].rate > 0.0);
        assert_eq!(told[1].depth.is_none(), second_opinion);
    }
}

#[test]
fn an_eventually_is_refused() {
    let properties = vec![Property::eventually("in the end", |_, _| true)];
    let grid = Grid::<2> { top: 2, properties, ..Grid::default() };
    let refused = EngineError::EventuallyRefused { property: "in the end" };
    assert_eq!(levels::run(&grid, &Options::default()), Err(refused.clone()));
    assert_eq!(by_stateright(grid, &Options::default()), Err(refused));
}

#[test]
fn stateright_has_room_for_64_properties() {
    let grid = |n| Grid::<2> {
        top: 2,
        properties: vec![Property::always("same name", |_, s| sum(s) < 3); n],
        ..Grid::default()
    };
    let full = by_stateright(grid(64), &with_threads(1)).unwrap();
    assert_eq!((full.discoveries.len(), full.distinct), (64, 9));
    let refused = EngineError::TooManyProperties { most: 64 };
    assert_eq!(by_stateright(grid(65), &Options::default()), Err(refused));
}

#[test]
fn a_panic_in_the_model_is_an_error_that_names_the_place() {
    let cases = [
        (Fault::InitPanics, Doing::Setup),
        (Fault::ActionsPanic, Doing::Actions),
        (Fault::NextPanics, Doing::NextState),
        (Fault::BoundaryPanics, Doing::Boundary),
        (Fault::PropertyPanics, Doing::Property("below the bad")),
    ];
    for (fault, where_it_was) in cases {
        let ours = levels::run(&Odd::new(fault), &with_threads(2));
        let theirs = by_stateright(Odd::new(fault), &with_threads(2));
        for (result, keeps_the_way) in [(ours, true), (theirs, false)] {
            let Err(EngineError::ModelPanicked { message, doing, trace, action }) = result else {
                panic!("{fault:?} gave {result:?}");
            };
            assert!(message.starts_with("blown at 100"), "{message}");
            assert_eq!(doing, where_it_was);
            if fault == Fault::InitPanics {
                assert_eq!((trace.len(), action), (0, None));
                continue;
            }
            let (_, state) = trace.last().unwrap();
            assert!((Odd::BAD - 2..Odd::BAD + 2).contains(state), "{state}");
            let steps = if keeps_the_way { 498..=501 } else { 0..=0 };
            assert!(steps.contains(&(trace.len() - 1)), "{} steps", trace.len() - 1);
            let in_next = fault == Fault::NextPanics;
            assert!(action.is_some() || !in_next, "the action is named");
        }
    }
}

#[test]
fn a_model_that_changes_its_mind_is_found_out() {
    let ours = levels::run(&Odd::new(Fault::Fickle), &Options::default());
    assert!(matches!(ours, Err(EngineError::NotRepeatable { .. })), "{ours:?}");
}
