//! Who is compared.
//!
//! Never here: time or memory; see `process`.

use super::process::{self, Counted, Measured};
use super::random::Random;
use super::subject::Subject;
use super::two_phase::{Action, TwoPhase};
use stateright::{Checker, Model};
use std::fmt::Debug;
use std::hash::Hash;
use std::thread;
use syncsplit_engine::packed::{self, Kind, Pack, Sink, StateId, States};
use syncsplit_engine::{Options, StopAt};
use syncsplit_model::world::{Variant, World};
use syncsplit_search::{PACKED_WORDS, SearchSpace};

/// One way to go about a subject.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// What the table says of it.
    pub(crate) says: &'static str,
    /// Whether it searches the model, and so has to come to the known number of states.
    pub(crate) is_search: bool,
    /// Whether it is for two-phase commit alone, and not for the world.
    pub(crate) is_for_two_phase: bool,
    /// Whether it is for the world alone.
    pub(crate) is_for_world: bool,
    /// For Spin, what its verifier is called with.
    pub(crate) pan: Option<&'static [&'static str]>,
}

const fn search(name: &'static str, says: &'static str) -> Contender {
    let is_for_two_phase = false;
    Contender { name, says, is_search: true, is_for_two_phase, is_for_world: false, pan: None }
}

const fn for_two_phase(name: &'static str, says: &'static str) -> Contender {
    Contender { is_for_two_phase: true, ..search(name, says) }
}

const fn for_world(name: &'static str, says: &'static str) -> Contender {
    Contender { is_for_world: true, ..search(name, says) }
}

const fn part(name: &'static str, says: &'static str) -> Contender {
    Contender { is_search: false, ..search(name, says) }
}

/// All of them. The number at the end of a name is that of the threads.
pub(crate) const CONTENDERS: &[Contender] = &[
    search("packed-2", "this engine; exact states, ways to them"),
    search("packed-1", "this engine on one thread"),
    for_world("packed-sleep-2", "this engine with sleep sets: of two orders one"),
    search("stateright-bfs-2", "stateright, breadth first; fingerprints"),
    search("stateright-dfs-2", "stateright, depth first; fingerprints, no shortest ways"),
    Contender {
        pan: Some(&["-m10000", "-w24"]),
        ..for_two_phase("spin-1", "Spin, depth first; exact states, one thread, no invariant")
    },
    part("random-2", "the floor: as many random inserts of as many bits; no locality, no model"),
    part("successors-2", "the successors of all states, without a search"),
];

/// Does one run in this process and tells what it took. `like` is what this engine counted, for whoever imitates it.
pub(crate) fn run_here(name: &str, subject: Subject, like: Option<Counted>) -> Result<(), String> {
    let threads = name.rsplit('-').next().and_then(|threads| threads.parse().ok()).unwrap_or(1);
    let way = name.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit());
    let measured = match (subject, way) {
        (_, "random") => {
            let like = like.ok_or("how many states are to be imitated?")?;
            match subject {
                Subject::TwoPhase { .. } => imitate::<1>(subject, like, threads),
                Subject::World(_) => imitate::<{ PACKED_WORDS }>(subject, like, threads),
            }
        }
        (Subject::TwoPhase { rms }, way) => run_on(TwoPhase { rms }, Action::kind, way, threads),
        (Subject::World(instance), way) => {
            // Either engine asks for every property in every state until something has settled it.
            let world = World::new(instance.bounds, Variant::Hardened, &[]);
            match way {
                "packed-sleep" => {
                    let space = SearchSpace::new(world).with_steps_asleep();
                    run_on(space, |action| action.kind() as usize, "packed", threads)
                }
                _ => run_on(SearchSpace::new(world), |action| action.kind() as usize, way, threads),
            }
        }
    };
    measured.map(|measured| println!("{measured}"))
}

fn imitate<const WORDS: usize>(
    subject: Subject,
    like: Counted,
    threads: usize,
) -> Result<Measured, String> {
    let Counted { states, steps } = like;
    let fan = steps.div_ceil(states.max(1));
    let random = Random::<WORDS> { states, fan, bits: subject.bits() };
    process::measure(|| search_packed(&random, |_| 0, threads).map(|(counted, _)| counted))
}

fn run_on<M>(
    model: M,
    kind: fn(&M::Action) -> usize,
    way: &str,
    threads: usize,
) -> Result<Measured, String>
where
    M: Pack + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    match way {
        "packed" => {
            process::measure(|| search_packed(&model, kind, threads).map(|(counted, _)| counted))
        }
        "successors" => {
            let (_, states) = search_packed(&model, kind, threads)?;
            process::measure(|| Ok(list_successors(&model, &states, threads)))
        }
        "stateright-bfs" => process::measure(|| Ok(by_stateright(model, threads, true))),
        "stateright-dfs" => process::measure(|| Ok(by_stateright(model, threads, false))),
        _ => Err(format!("{way:?} does not run in this process")),
    }
}

fn search_packed<M>(
    model: &M,
    kind: fn(&M::Action) -> usize,
    threads: usize,
) -> Result<(Counted, States<M::Packed>), String>
where
    M: Pack + Sync,
    M::State: Clone + Debug + PartialEq,
    M::Action: Clone + Debug,
{
    let stop = StopAt::Exhaust;
    let options = Options { threads, stop, kind: Some(kind), ..Options::default() };
    let explored = packed::explore(model, &options);
    let (outcome, states) = explored.map_err(|error| error.to_string())?;
    if !outcome.is_complete() {
        return Err(format!("the search ended with {:?}", outcome.ending));
    }
    Ok((Counted { states: outcome.distinct, steps: outcome.transitions }, states))
}

fn by_stateright<M>(model: M, threads: usize, is_breadth_first: bool) -> Counted
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let builder = model.checker().threads(threads);
    if is_breadth_first {
        counted(&builder.spawn_bfs().join())
    } else {
        counted(&builder.spawn_dfs().join())
    }
}

fn counted<M>(checker: &impl Checker<M>) -> Counted
where
    M: Model,
    M::State: Clone + Debug + Hash + PartialEq,
    M::Action: Clone + Debug + PartialEq,
{
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    Counted { states: states as u64, steps: steps as u64 }
}

/// Counts what it is told.
struct Count(u64);

impl<M: Pack> Sink<M> for Count {
    fn kind(&self, _: &M::Action) -> Kind {
        0
    }

    fn step(&mut self, _: Kind, next: &M::Packed) {
        std::hint::black_box(next);
        self.0 += 1;
    }

    fn cut(&mut self) {}
}

/// What every search of the model has to do whatever it does else.
fn list_successors<M>(model: &M, states: &States<M::Packed>, threads: usize) -> Counted
where
    M: Pack + Sync,
{
    let share = states.len().div_ceil(threads as u32).max(1);
    let list = |from: u32| {
        let mut count = Count(0);
        let mut room = Vec::new();
        for id in (from..states.len().min(from + share)).map(StateId::new) {
            if let Some(packed) = states.state(id) {
                room.clear();
                model.successors(&packed, &mut room, &mut count);
            }
        }
        count.0
    };
    let steps = thread::scope(|scope| {
        let shares = (0..states.len()).step_by(share as usize);
        let threads: Vec<_> = shares.map(|from| scope.spawn(move || list(from))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    });
    Counted { states: u64::from(states.len()), steps }
}
