//! Stateright's own search, asked as the packed one is, and what both say of the same models.
//!
//! Never here: the packed engine alone; see `search.rs` and `limits.rs`.

use super::models::{Fault, Graph, Grid, Odd, sum};
use super::search::{PANICS, panic_of};
use super::two_phase::TwoPhase;
use super::{sums, verdicts, with_threads};
use stateright::{Expectation, Model, Property};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use syncsplit_engine::packed::{self, Pack};
use syncsplit_engine::{
    Ending, EngineError, LevelCount, Options, RunResult, SearchOutcome, StopAt, Verdict,
    stateright as second,
};

pub(crate) fn by_stateright<M>(model: M, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Eq + Hash + Send + Sync,
    M::Action: Clone + PartialEq + Send + Sync,
{
    second::run(Arc::new(model), options)
}

/// The trace must be a path of the model whose last state settles the property.
fn assert_is_path<M: Model>(model: &M, trace: &[(Option<M::Action>, M::State)])
where
    M::State: Clone + PartialEq + Debug,
    M::Action: Clone + PartialEq + Debug,
{
    assert!(trace[0].0.is_none() && model.init_states().contains(&trace[0].1));
    for step in trace.windows(2) {
        let action = step[1].0.clone().expect("a step has an action");
        let mut actions = Vec::new();
        model.actions(&step[0].1, &mut actions);
        assert!(actions.contains(&action), "{action:?} is not an action of {:?}", step[0].1);
        assert_eq!(model.next_state(&step[0].1, action).as_ref(), Some(&step[1].1));
    }
}

/// Both searches come to the same, traces of one length each, and each trace is a path.
fn assert_agree<M>(model: &M) -> SearchOutcome<M::Action, M::State>
where
    M: Pack + Clone + Send + Sync + 'static,
    M::State: Clone + Debug + Eq + Hash + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let ours = packed::run(model, &with_threads(2)).unwrap();
    let theirs = by_stateright(model.clone(), &with_threads(1)).unwrap();
    assert_eq!((ours.distinct, ours.transitions), (theirs.distinct, theirs.transitions));
    assert_eq!((ours.depth, ours.ending), (theirs.depth, theirs.ending));
    assert_eq!(ours.cut_by_boundary, theirs.cut_by_boundary);
    assert_eq!(ours.properties, theirs.properties);
    let lengths = |outcome: &SearchOutcome<_, _>| -> Vec<_> {
        outcome.discoveries.iter().map(|d| (d.property, d.trace.len())).collect()
    };
    assert_eq!(lengths(&ours), lengths(&theirs), "both are shortest");
    for discovery in ours.discoveries.iter().chain(&theirs.discoveries) {
        assert_is_path(model, &discovery.trace);
    }
    ours
}

/// The counts of two-phase commit, as other checkers give them.
const TWO_PHASE: [(u32, u64); 5] = [(3, 288), (4, 1_568), (5, 8_832), (6, 50_816), (7, 296_448)];

#[test]
fn two_phase_commit_has_its_known_states() {
    for (rms, distinct) in TWO_PHASE {
        let outcome = assert_agree(&TwoPhase { rms });
        assert_eq!(outcome.distinct, distinct);
        // Every resource manager prepares, is heard and learns; the manager decides once.
        assert_eq!(outcome.depth, Some(3 * rms + 1));
        assert_eq!(verdicts(&outcome), [Verdict::Reached, Verdict::Reached, Verdict::Holds]);
        let lengths = outcome.discoveries.iter().map(|d| d.trace.len() as u32);
        assert_eq!(lengths.collect::<Vec<_>>(), [rms + 1, 3 * rms + 2]);
    }
}

#[test]
fn random_graphs_have_what_stateright_finds() {
    for seed in 0..60 {
        assert_agree(&Graph { nodes: [40, 700, 20_000][seed as usize % 3], seed });
    }
}

#[test]
fn a_grid_has_the_states_transitions_and_depth_of_a_grid() {
    let grid = Grid::<5> { top: 7, ..Grid::default() };
    assert_eq!(assert_agree(&grid).distinct, 8_u64.pow(5));
    let kind: fn(&usize) -> usize = |counter| *counter;
    let options = Options { kind: Some(kind), ..with_threads(3) };
    let ours = packed::run(&grid, &options).unwrap();
    assert_eq!(ours.transitions, 5 * 7 * 8_u64.pow(4));
    assert_eq!((ours.cut_by_boundary, ours.depth), (0, Some(35)));
    let deadlocks = ours.deadlocks.unwrap();
    assert_eq!(deadlocks.count, 1);
    let way = deadlocks.first.unwrap();
    assert_eq!((way.len(), way[35].1), (36, [7; 5]));
    assert_is_path(&grid, &way);
    assert_eq!(ours.levels.len(), 36);
    assert_eq!(ours.levels[1], LevelCount { depth: 1, new: 5, generated: 25 });
    assert_eq!(ours.levels[2].new, 15);
    assert!(ours.kinds.len() == 5 && ours.kinds.iter().all(|k| k.fired == 7 * 8_u64.pow(4)));
    let theirs = by_stateright(grid, &with_threads(2)).unwrap();
    assert_eq!((theirs.distinct, theirs.depth), (8_u64.pow(5), None), "its threads race");
}

#[test]
fn what_the_boundary_cuts_is_counted() {
    let grid = Grid::<3> { top: 20, sum_max: Some(6), ..Grid::default() };
    let outcome = assert_agree(&grid);
    // Three counters with a sum up to 6; the 28 states with the sum 6 lose 3 ways each.
    assert_eq!((outcome.distinct, outcome.cut_by_boundary), (84, 28 * 3));
    assert_eq!((outcome.transitions, outcome.depth), ((84 - 28) * 3, Some(6)));
    assert_eq!(outcome.deadlocks.unwrap().count, 0, "a cut successor is a successor");
}

#[test]
fn stateright_reports_first_violations() {
    let grid = Grid::<5> { top: 7, properties: sums(), ..Grid::default() };
    let all = assert_agree(&grid);
    // 9 is out of reach, so there is nothing to find for the third and the last.
    use Verdict::{Holds, Reached, Unreachable, Violated};
    assert_eq!(verdicts(&all), [Violated, Violated, Holds, Reached, Unreachable]);
    let lengths: Vec<_> = all.discoveries.iter().map(|d| d.trace.len()).collect();
    assert_eq!(lengths, [24, 31, 21]);
    let first = Options { stop: StopAt::FirstViolation, ..with_threads(2) };
    let first = by_stateright(grid, &first).unwrap();
    assert_eq!(first.ending, Ending::Violation);
    assert!(first.distinct < all.distinct);
}

#[test]
fn sometimes_only_models_are_searched_to_the_end() {
    let properties: Vec<Property<Grid<3>>> = vec![
        Property::sometimes("start", |_, s| *s == [0; 3]),
        Property::sometimes("four", |_, s| sum(s) == 4),
    ];
    let outcome = assert_agree(&Grid::<3> { top: 4, properties, ..Grid::default() });
    assert_eq!((outcome.distinct, outcome.ending), (125, Ending::Complete));
    assert_eq!(verdicts(&outcome), [Verdict::Reached; 2]);
    assert_eq!(outcome.discoveries[0].expectation, Expectation::Sometimes);
    assert_eq!(outcome.discoveries[0].trace, [(None, [0; 3])]);
    let no_properties = assert_agree(&Grid::<3> { top: 4, ..Grid::default() });
    assert_eq!(no_properties.distinct, 125);
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
    for (fault, where_it_was) in PANICS {
        let result = by_stateright(Odd::new(fault), &with_threads(2));
        let (_, doing, trace, action) = panic_of(fault, result);
        assert_eq!(doing, where_it_was);
        if fault == Fault::InitPanics {
            assert_eq!((trace.len(), action), (0, None));
            continue;
        }
        // No way is kept, so there is the state alone.
        assert!(trace.len() == 1 && (Odd::BAD - 2..Odd::BAD + 2).contains(&trace[0].1));
        assert!(action.is_some() || fault != Fault::NextPanics, "the action is named");
    }
}
