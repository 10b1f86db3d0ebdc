//! What the search by levels and stateright's promise.
//!
//! Never here: limits and refusals; see `faults.rs`.

use super::models::{self, Graph, Grid, TwoPhase, sum};
use super::{sums, timeless, verdicts, with_threads};
use stateright::{Expectation, Model, Property};
use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use syncsplit_engine::{
    Ending, LevelCount, Limit, Limits, Options, Outcome, RunResult, StopAt, Verdict, levels,
};

pub(crate) fn by_stateright<M>(model: M, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Eq + Hash + Send + Sync,
    M::Action: Clone + PartialEq + Send + Sync,
{
    syncsplit_engine::stateright::run(Arc::new(model), options)
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

fn assert_two_phase(
    rms: usize,
    distinct: u64,
) -> Outcome<models::TwoPhaseAction, models::TwoPhaseState> {
    let ours = levels::run(&TwoPhase { rms }, &with_threads(2)).unwrap();
    let theirs = by_stateright(TwoPhase { rms }, &with_threads(1)).unwrap();
    assert_eq!(ours.distinct, distinct);
    assert_eq!(theirs.distinct, distinct);
    assert_eq!(ours.transitions, theirs.transitions);
    // Every resource manager prepares, is heard and learns; the manager decides once.
    assert_eq!(ours.depth, Some(3 * rms as u32 + 1));
    assert_eq!(theirs.depth, ours.depth);
    for outcome in [&ours, &theirs] {
        assert_eq!(verdicts(outcome), [Verdict::Reached, Verdict::Reached, Verdict::Holds]);
        assert_eq!(outcome.ending, Ending::Complete);
        for discovery in &outcome.discoveries {
            assert_is_path(&TwoPhase { rms }, &discovery.trace);
        }
        assert_eq!(outcome.discovery("all abort").unwrap().trace.len(), rms + 1);
        assert_eq!(outcome.discovery("all commit").unwrap().trace.len(), 3 * rms + 2);
    }
    ours
}

#[test]
fn two_phase_commit_has_its_known_states() {
    assert_two_phase(3, 288);
    assert_two_phase(5, 8_832);
}

#[test]
fn two_phase_commit_with_seven_has_its_known_states() {
    assert_two_phase(7, 296_448);
}

/// The counts that five engines agree on; TLC and stateright also count the initial state.
#[test]
#[ignore = "ten million states; run in release"]
fn two_phase_commit_with_nine_has_its_known_states() {
    let outcome = levels::run(&TwoPhase { rms: 9 }, &with_threads(2)).unwrap();
    assert_eq!((outcome.distinct, outcome.transitions + 1), (10_340_352, 123_558_402));
    assert_eq!(outcome.depth, Some(28));
}

#[test]
fn a_grid_has_the_states_transitions_and_depth_of_a_grid() {
    let grid = Grid::<5> { top: 7, ..Grid::default() };
    let kind: fn(&usize) -> usize = |counter| *counter;
    let options = Options { kind: Some(kind), ..with_threads(3) };
    let ours = levels::run(&grid, &options).unwrap();
    let theirs = by_stateright(grid.clone(), &with_threads(2)).unwrap();
    for outcome in [&ours, &theirs] {
        assert_eq!(outcome.distinct, 8_u64.pow(5));
        assert_eq!(outcome.transitions, 5 * 7 * 8_u64.pow(4));
        assert_eq!(outcome.cut_by_boundary, 0);
    }
    assert_eq!((ours.depth, theirs.depth), (Some(35), None));
    let deadlocks = ours.deadlocks.unwrap();
    assert_eq!(deadlocks.count, 1);
    let way = deadlocks.first.unwrap();
    assert_eq!((way.len(), way[35].1), (36, [7; 5]));
    assert_is_path(&grid, &way);
    assert_eq!(ours.levels.len(), 36);
    assert_eq!(ours.levels[1], LevelCount { depth: 1, new: 5, generated: 25 });
    assert_eq!(ours.levels[2].new, 15);
    assert_eq!(ours.levels.iter().map(|l| l.new).sum::<u64>(), ours.distinct);
    assert_eq!(ours.levels.iter().map(|l| l.generated).sum::<u64>(), ours.transitions);
    assert_eq!(ours.kinds.len(), 5);
    assert!(ours.kinds.iter().all(|k| k.fired == 7 * 8_u64.pow(4)));
    assert_eq!(ours.kinds.iter().map(|k| k.new).sum::<u64>(), ours.distinct - 1);
}

/// A search one can check by reading it: distinct, transitions, deadlocks, new per level.
fn plain_search<M: Model>(model: &M) -> (u64, u64, u64, Vec<u64>)
where
    M::State: Clone + Eq + Hash,
{
    let mut seen = HashSet::new();
    let mut level = model.init_states();
    level.retain(|s| seen.insert(s.clone()));
    let (mut transitions, mut deadlocks, mut news) = (0, 0, Vec::new());
    while !level.is_empty() {
        news.push(level.len() as u64);
        let mut next_level = Vec::new();
        for state in level {
            let successors = model.next_states(&state);
            transitions += successors.len() as u64;
            deadlocks += u64::from(successors.is_empty());
            next_level.extend(successors.into_iter().filter(|s| seen.insert(s.clone())));
        }
        level = next_level;
    }
    (seen.len() as u64, transitions, deadlocks, news)
}

#[test]
fn random_graphs_give_what_a_plain_search_and_stateright_give() {
    for seed in 0..60 {
        let graph = Graph { nodes: [40, 700, 20_000][seed as usize % 3], seed };
        let (distinct, transitions, deadlocks, news) = plain_search(&graph);
        let ours = levels::run(&graph, &with_threads(1 + seed as usize % 4)).unwrap();
        assert_eq!((ours.distinct, ours.transitions), (distinct, transitions), "seed {seed}");
        assert_eq!(ours.levels.iter().map(|l| l.new).collect::<Vec<_>>(), news);
        assert_eq!(ours.depth, Some(news.len() as u32 - 1));
        assert_eq!(ours.deadlocks.as_ref().unwrap().count, deadlocks);
        let theirs = by_stateright(graph.clone(), &with_threads(1)).unwrap();
        assert_eq!((theirs.distinct, theirs.transitions), (distinct, transitions));
        assert_eq!((theirs.depth, verdicts(&theirs)), (ours.depth, verdicts(&ours)));
        for (ours, theirs) in ours.discoveries.iter().zip(&theirs.discoveries) {
            assert_is_path(&graph, &ours.trace);
            assert_is_path(&graph, &theirs.trace);
            assert_eq!(ours.trace.len(), theirs.trace.len(), "both are shortest");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_outcome() {
    let grid = Grid::<5> { top: 11, properties: sums(), ..Grid::default() };
    for stop in [StopAt::Exhaust, StopAt::FirstViolation] {
        let run = |threads| {
            let kind: fn(&usize) -> usize = |counter| *counter;
            let options = Options { stop, kind: Some(kind), ..with_threads(threads) };
            timeless(levels::run(&grid, &options).unwrap())
        };
        let one = run(1);
        for threads in [1, 2, 3, 8, 2, 3, 8] {
            assert!(run(threads) == one, "{threads} threads differ, {stop:?}");
        }
        let lengths: Vec<_> = one.discoveries.iter().map(|d| (d.property, d.trace.len())).collect();
        let of_20 = ("20 without ones", 21);
        match stop {
            StopAt::Exhaust => {
                assert_eq!(one.distinct, 12_u64.pow(5));
                let of_23 = [("never 23", 24), ("never 30", 31), ("never 23 with a 9", 24)];
                assert_eq!(lengths, [of_23[0], of_23[1], of_23[2], of_20]);
                assert_eq!(one.ending, Ending::Complete);
                assert_eq!(one.properties[4].verdict, Verdict::Unreachable);
            }
            StopAt::FirstViolation => {
                assert_eq!(lengths, [("never 23", 24), ("never 23 with a 9", 24), of_20]);
                assert_eq!((one.ending, one.depth), (Ending::Violation, Some(23)));
                use Verdict::{Reached, Unknown, Violated};
                assert_eq!(verdicts(&one), [Violated, Unknown, Violated, Reached, Unknown]);
            }
        }
        for discovery in &one.discoveries {
            assert_is_path(&grid, &discovery.trace);
        }
    }
}

#[test]
fn a_state_limit_is_deterministic_too() {
    let grid = Grid::<5> { top: 11, properties: sums(), ..Grid::default() };
    let limits = Limits { states: Some(50_000), ..Limits::default() };
    let run = |threads| {
        timeless(levels::run(&grid, &Options { limits, ..with_threads(threads) }).unwrap())
    };
    let one = run(1);
    assert_eq!(one.ending, Ending::Limit(Limit::States));
    assert!(one.distinct > 50_000 && one.distinct < 248_832);
    assert!(!one.properties.iter().any(|p| p.verdict == Verdict::Holds));
    assert!(run(2) == one && run(8) == one);
}

#[test]
fn stateright_reports_first_violations() {
    let grid = Grid::<5> { top: 7, properties: sums(), ..Grid::default() };
    let all = by_stateright(grid.clone(), &with_threads(1)).unwrap();
    assert_eq!((all.ending, all.distinct), (Ending::Complete, 8_u64.pow(5)));
    // 9 is out of reach, so there is nothing to find for the third and the last.
    use Verdict::{Holds, Reached, Unreachable, Violated};
    assert_eq!(verdicts(&all), [Violated, Violated, Holds, Reached, Unreachable]);
    let lengths: Vec<_> = all.discoveries.iter().map(|d| d.trace.len()).collect();
    assert_eq!(lengths, [24, 31, 21], "one thread gives the shortest");
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
    let grid = Grid::<3> { top: 4, properties, ..Grid::default() };
    let ours = levels::run(&grid, &Options::default()).unwrap();
    let theirs = by_stateright(grid, &Options::default()).unwrap();
    for outcome in [ours, theirs] {
        assert_eq!((outcome.distinct, outcome.ending), (125, Ending::Complete));
        assert_eq!(verdicts(&outcome), [Verdict::Reached; 2]);
        assert_eq!(outcome.discoveries[0].expectation, Expectation::Sometimes);
        assert_eq!(outcome.discoveries[0].trace, [(None, [0; 3])]);
        assert_eq!(outcome.discoveries[1].trace.len(), 5);
    }
    let no_properties = by_stateright(Grid::<3> { top: 4, ..Grid::default() }, &with_threads(2));
    assert_eq!(no_properties.unwrap().distinct, 125);
}

#[test]
fn what_the_boundary_cuts_is_counted() {
    let grid = Grid::<3> { top: 20, sum_max: Some(6), ..Grid::default() };
    let ours = levels::run(&grid, &with_threads(2)).unwrap();
    let theirs = by_stateright(grid, &with_threads(1)).unwrap();
    for outcome in [&ours, &theirs] {
        // Three counters with a sum up to 6; the 28 states with the sum 6 lose 3 ways each.
        assert_eq!((outcome.distinct, outcome.cut_by_boundary), (84, 28 * 3));
        assert_eq!((outcome.transitions, outcome.depth), ((84 - 28) * 3, Some(6)));
    }
    assert_eq!(ours.deadlocks.unwrap().count, 0, "a cut successor is a successor");
}

#[test]
fn a_model_without_initial_states_has_no_depth() {
    let none = Grid::<1> { top: 1, properties: Vec::new(), sum_max: None };
    struct Void(Grid<1>);
    impl Model for Void {
        type State = [u8; 1];
        type Action = usize;
        fn init_states(&self) -> Vec<[u8; 1]> {
            Vec::new()
        }
        fn actions(&self, s: &[u8; 1], actions: &mut Vec<usize>) {
            self.0.actions(s, actions);
        }
        fn next_state(&self, s: &[u8; 1], action: usize) -> Option<[u8; 1]> {
            self.0.next_state(s, action)
        }
    }
    let outcome = levels::run(&Void(none), &with_threads(2)).unwrap();
    assert_eq!((outcome.distinct, outcome.depth, outcome.levels.len()), (0, None, 0));
}

/// Counts to 2,000 and claims that all of it hashes alike.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Alike(u32);

impl Hash for Alike {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl Model for Alike {
    type State = Alike;
    type Action = u32;
    fn init_states(&self) -> Vec<Alike> {
        vec![Alike(0)]
    }
    fn actions(&self, _: &Alike, actions: &mut Vec<u32>) {
        actions.extend([1, 2]);
    }
    fn next_state(&self, s: &Alike, step: u32) -> Option<Alike> {
        Some(Alike(s.0 + step)).filter(|s| s.0 <= 2_000)
    }
}

#[test]
fn states_that_hash_alike_are_told_apart() {
    let outcome = levels::run(&Alike(0), &with_threads(2)).unwrap();
    assert_eq!((outcome.distinct, outcome.transitions), (2_001, 3_999));
    assert_eq!(outcome.depth, Some(1_000));
}
