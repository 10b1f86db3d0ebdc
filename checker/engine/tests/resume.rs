//! A search in pieces is the search in one piece, whatever ends the pieces.
//!
//! Never here: files that are refused, see `refused.rs`; the command line, see `checkpoint.rs`.

use super::limits::{LIMIT, MIB, tree};
use super::models::{Graph, Grid};
use super::two_phase::{self, TwoPhase};
use super::{drowsy, sums, timeless, with_threads};
use stateright::{Model, Property};
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use syncsplit_engine::packed::{Pack, run, run_kept};
use syncsplit_engine::{Ending, Keep, Limit, Limits, Options, SearchOutcome, StopAt};

/// A file that is not there yet.
pub(crate) fn file(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("packed-{name}"));
    let _ = fs::remove_file(&file);
    file
}

/// Goes on with `file` if it is there, and writes it if a limit ends the run.
pub(crate) fn keep(file: &Path) -> Keep<'_> {
    Keep { resume: Some(file).filter(|file| file.exists()), write: Some(file), ..Keep::default() }
}

/// Random graphs, and a flag that is raised when the model was asked for so many steps: an
/// interrupt in the middle of a slice, and for one thread always in the same place.
struct Maze {
    graph: Graph,
    left: AtomicU64,
    stop: AtomicBool,
}

impl Maze {
    fn stopping_after(steps: u64) -> Self {
        let graph = Graph { nodes: 60_000, seed: 11 };
        Self { graph, left: steps.into(), stop: false.into() }
    }
}

impl Model for Maze {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        (0..50).collect()
    }

    fn actions(&self, node: &u64, actions: &mut Vec<u64>) {
        self.graph.actions(node, actions);
        actions.push(7);
    }

    fn next_state(&self, node: &u64, edge: u64) -> Option<u64> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.graph.next_state(node, edge)
    }

    fn within_boundary(&self, node: &u64) -> bool {
        !node.is_multiple_of(19)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("below 59990", |_, node| *node < 59_990),
            Property::<Self>::sometimes("beyond 59000", |_, node| *node > 59_000),
            Property::<Self>::sometimes("even deep down", |_, node| node % 1_000 == 998),
        ]
    }
}

impl Pack for Maze {
    type Packed = [u64; 3];

    fn pack(&self, node: &u64) -> [u64; 3] {
        self.graph.pack(node)
    }

    fn unpack(&self, packed: &[u64; 3]) -> u64 {
        self.graph.unpack(packed)
    }
}

/// Runs in pieces, each with more states allowed than the one before, on one and two threads in
/// turn, and compares the end with a run in one piece. Returns how many pieces ended within a level.
fn assert_same_in_pieces<M>(
    name: &str,
    model: &M,
    stop: StopAt,
    kind: fn(&M::Action) -> usize,
    step: u64,
) -> u32
where
    M: Pack + Sync,
    M::State: Clone + Debug + PartialEq,
    M::Action: Clone + Debug + PartialEq,
{
    let with =
        |threads, limits| Options { limits, stop, kind: Some(kind), ..with_threads(threads) };
    let whole = timeless(run(model, &with(2, Limits::default())).unwrap());
    let file = file(name);
    let (mut pieces, mut before, mut within) = (0, 0, 0);
    for piece in 1_usize.. {
        let states = Limits { states: Some(before + step), ..Limits::default() };
        let kept = run_kept(model, &with(1 + piece % 2, states), &keep(&file)).unwrap();
        let resumed = kept.resumed.map_or(0, |resumed| resumed.states);
        assert_eq!(resumed, before, "{name}: piece {piece} begins where the one before ended");
        if kept.outcome.ending != Ending::Limit(Limit::States) {
            assert_eq!(kept.written, None, "{name}: nothing is left to go on with");
            assert_eq!(timeless(kept.outcome), whole, "{name}: after {piece} pieces");
            pieces = piece;
            break;
        }
        let written = kept.written.unwrap().unwrap();
        assert_eq!(written.bytes, fs::metadata(&file).unwrap().len());
        assert!(written.states > before && written.states >= kept.outcome.distinct);
        let mut levels = whole.levels[..kept.outcome.levels.len()].to_vec();
        levels.last_mut().unwrap().generated = 0;
        assert_eq!(kept.outcome.levels, levels, "{name}: only finished levels are told of");
        let settled = levels.iter().map(|level| level.new).sum::<u64>();
        assert_eq!(kept.outcome.distinct, settled);
        within += u32::from(written.states > settled);
        before = written.states;
    }
    assert!(pieces > 3, "{name} ended after {pieces} pieces");
    within
}

#[test]
fn a_run_in_pieces_is_the_run_in_one_piece() {
    let all = StopAt::Exhaust;
    for step in [1, 900, 7_000] {
        let words = TwoPhase { rms: 6 };
        assert_same_in_pieces("two-phase", &words, all, two_phase::Action::kind, step);
        let grid = Grid::<5> { top: 9, properties: sums(), sum_max: Some(39) };
        assert_same_in_pieces("grid", &grid, all, |counter| 3 * counter + 1, step);
        let maze = Maze::stopping_after(u64::MAX);
        assert_same_in_pieces("maze", &maze, all, |edge| *edge as usize, step);
    }
}

/// A file does not say what slept in the states of a level that was left half found.
#[test]
fn a_level_in_pieces_is_the_level_in_one_piece_with_sleep_sets() {
    let cube = drowsy::<21>(1, false);
    let within =
        assert_same_in_pieces("asleep", &cube, StopAt::Exhaust, |counter| *counter, 250_000);
    assert!(within > 2, "{within} pieces ended within a level");
}

/// The last level is wider than several slices.
#[test]
fn a_level_in_pieces_is_the_level_in_one_piece() {
    let wide = tree(1_800_000, Duration::ZERO);
    let within =
        assert_same_in_pieces("wide", &wide, StopAt::Exhaust, |to| *to as usize % 9, 300_000);
    assert!(within > 2, "{within} pieces ended within a level");
}

#[test]
fn a_violation_after_a_resume_has_the_trace_of_the_run_in_one_piece() {
    for step in [1, 300, 4_000] {
        let grid = Grid::<5> { top: 11, properties: sums(), ..Grid::default() };
        let stop = StopAt::FirstViolation;
        assert_same_in_pieces("violation", &grid, stop, |counter| *counter, step);
    }
}

/// Interrupts fall into the middle of a slice, which then counts for nothing.
#[test]
fn an_interrupt_at_any_step_loses_nothing() {
    let kind: fn(&u64) -> usize = |edge| *edge as usize;
    let with = |threads| Options { kind: Some(kind), ..with_threads(threads) };
    let whole = timeless(run(&Maze::stopping_after(u64::MAX), &with(2)).unwrap());
    let seed = u64::from(std::process::id());
    for first in [1, 50, 51, 333, seed % 2_000 + 1] {
        let file = file("interrupt");
        let (mut steps, mut pieces) = (first, 0);
        let outcome: SearchOutcome<_, _> = loop {
            pieces += 1;
            let maze = Maze::stopping_after(steps);
            let options = Options { interrupt: Some(&maze.stop), ..with(1 + pieces % 2) };
            let kept = run_kept(&maze, &options, &keep(&file)).unwrap();
            if kept.outcome.ending == Ending::Complete {
                break kept.outcome;
            }
            assert_eq!(kept.outcome.ending, Ending::Limit(Limit::Interrupted));
            // A slice needs more steps than the first pieces have.
            steps += steps / 3 + 1;
        };
        assert!(pieces > 10, "{pieces} pieces, the first of {first} steps");
        assert_eq!(timeless(outcome), whole, "the first of {first} steps");
    }
}

/// A run that was done is done when it is taken up, and so is one without a state.
#[test]
fn what_is_over_stays_over() {
    let file = file("over");
    let stop = AtomicBool::new(true);
    let interrupted = Options { interrupt: Some(&stop), ..with_threads(1) };
    let kept = run_kept(&Graph { nodes: 900, seed: 3 }, &interrupted, &keep(&file)).unwrap();
    assert_eq!(kept.outcome.ending, Ending::Limit(Limit::Interrupted));
    let whole = run(&Graph { nodes: 900, seed: 3 }, &with_threads(1)).unwrap();
    for _ in 0..2 {
        let model = Graph { nodes: 900, seed: 3 };
        let kept = run_kept(&model, &with_threads(2), &keep(&file)).unwrap();
        assert!(kept.resumed.is_some() && kept.written.is_none());
        assert_eq!(timeless(kept.outcome), timeless(whole.clone()));
    }
}

const KEPT: &str = "SYNCSPLIT_TEST_KEPT";
const MEMORY: u64 = 8;

/// The limit is on the whole process, so each piece gets a process of its own.
#[test]
fn a_run_under_ever_more_memory_stays_within_it_and_ends_the_same() {
    let file = file("memory");
    let kind: fn(&two_phase::Action) -> usize = two_phase::Action::kind;
    let options = Options { kind: Some(kind), ..with_threads(2) };
    for (limit, threads) in [(12, 2), (16, 1), (24, 2)] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "resume::within_memory", "--ignored", "--test-threads=1"]);
        child.env(LIMIT, format!("{limit} {threads}")).env(KEPT, &file);
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{limit} MiB: {said}");
    }
    let model = TwoPhase { rms: MEMORY as u32 };
    let whole = run(&model, &options).unwrap();
    let kept = run_kept(&model, &options, &keep(&file)).unwrap();
    assert!(kept.resumed.unwrap().states > 200_000, "{:?}", kept.resumed);
    assert_eq!(timeless(kept.outcome), timeless(whole));
}

#[test]
#[ignore = "run by a_run_under_ever_more_memory_stays_within_it_and_ends_the_same in a process of its own"]
fn within_memory() {
    let asked = std::env::var(LIMIT).unwrap();
    let asked: Vec<u64> = asked.split(' ').map(|number| number.parse().unwrap()).collect();
    let file = PathBuf::from(std::env::var_os(KEPT).unwrap());
    let limit = asked[0] * MIB;
    let limits = Limits { memory_bytes: Some(limit), ..Limits::default() };
    let kind: fn(&two_phase::Action) -> usize = two_phase::Action::kind;
    let options = Options { limits, kind: Some(kind), ..with_threads(asked[1] as usize) };
    let model = TwoPhase { rms: MEMORY as u32 };
    let kept = run_kept(&model, &options, &keep(&file)).unwrap();
    assert_eq!(kept.outcome.ending, Ending::Limit(Limit::Memory));
    let (peak, states) = (kept.outcome.peak_bytes.unwrap(), kept.written.unwrap().unwrap().states);
    assert!(peak <= limit, "{peak} bytes at the peak, {limit} allowed");
    assert!(kept.resumed.is_none_or(|resumed| resumed.states < states), "no state came to it");
}
