//! Engines that search a model, and the vocabulary they share: what a run is asked, what it answers.
//!
//! Never here: a word about the protocol that is being searched. An engine knows a model only
//! through `stateright::Model` and what is added to it here: [`packed::Pack`], [`liveness::Live`].
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

mod crew;
mod guard;
mod keep;
mod limits;
pub mod liveness;
pub mod packed;
pub mod positions;
pub mod stateright;

use ::stateright::{Expectation, Model, Property};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::AtomicBool;

pub use keep::{CheckpointError, Difference, Keep, KeptOutcome, KeptRun, Resumed, Spoilt, Written};
pub use limits::{Limit, Limits};
pub use liveness::{Faults, Lasso, PromiseResult};

/// A path through the model: the initial state first, without an action, then each action with
/// the state it led to.
pub type Trace<A, S> = Vec<(Option<A>, S)>;

/// A [`Trace`] in the terms of the model `M`.
type TraceOf<M> = Trace<<M as Model>::Action, <M as Model>::State>;

/// What an engine returns for the model `M`.
pub type RunResult<M> =
    Result<SearchOutcome<<M as Model>::Action, <M as Model>::State>, Failure<M>>;

/// An [`EngineError`] in the terms of the model `M`.
pub type Failure<M> = EngineError<<M as Model>::Action, <M as Model>::State>;

/// When a run that has met a violation ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopAt {
    /// After the level of the first violation, so that every property violated at that same
    /// depth is reported.
    #[default]
    FirstViolation,
    /// Only when every reachable state has been seen.
    Exhaust,
}

/// What is kept of each state that was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// The state.
    #[default]
    Exact,
    /// Its fingerprint of 64 bits. A state that has the fingerprint of another is missed, and with
    /// it what it leads to: nothing that such a run says of all states is certain, and
    /// [`packed::missed_at_most`] is how likely it is to be wrong. What it shows by a trace is.
    /// Only [`packed`] knows it, and answers for no promise then.
    Fingerprint {
        /// Which fingerprints: another seed misses other states.
        seed: u64,
    },
}

/// How a search is to be run. Nothing in here may change what a complete run finds,
/// but for [`Store::Fingerprint`].
pub struct Options<'a, A> {
    /// Worker threads; 0 counts as 1.
    pub threads: usize,
    /// What to do about a violation.
    pub stop: StopAt,
    /// What is kept of each state.
    pub store: Store,
    /// What ends the run early, without a verdict for what was still open.
    pub limits: Limits,
    /// Groups actions for [`SearchOutcome::kinds`]. Numbers from [`KINDS_MAX`] on share the last group.
    pub kind: Option<fn(&A) -> usize>,
    /// Ends the run once it is set, e.g. by a signal handler.
    pub interrupt: Option<&'a AtomicBool>,
    /// Called about five times a second from the thread that started the run.
    pub progress: Option<&'a dyn Fn(&Progress)>,
}

/// The most groups of actions that are counted apart.
pub const KINDS_MAX: usize = 1024;

impl<A> Default for Options<'_, A> {
    fn default() -> Self {
        Self {
            threads: 1,
            stop: StopAt::default(),
            store: Store::default(),
            limits: Limits::default(),
            kind: None,
            interrupt: None,
            progress: None,
        }
    }
}

/// A glance at a run that is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Depth of the states that are being expanded; `None` where the engine has no true depth.
    pub depth: Option<u32>,
    /// Distinct states so far.
    pub distinct: u64,
    /// Generated successors so far.
    pub transitions: u64,
    /// States that are known and not expanded yet; `None` where the engine does not tell.
    pub queue: Option<u64>,
    /// Distinct states per second since the previous report.
    pub rate: f64,
    /// Seconds since the run began.
    pub seconds: f64,
    /// Resident memory of the process, where the system tells it.
    pub memory_bytes: Option<u64>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every state that the model can reach within its boundary was seen and checked.
    Complete,
    /// A violation was found and [`StopAt::FirstViolation`] was asked for.
    Violation,
    /// A limit was reached first.
    Limit(Limit),
}

/// What a run says about one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `always`: no reachable state violates it. A promise: every fair run keeps it.
    Holds,
    /// `always`: a reachable state violates it. A promise: a fair run breaks it.
    Violated,
    /// `sometimes`: a reachable state shows it.
    Reached,
    /// `sometimes`: no reachable state shows it. A promise: no reachable state calls for it.
    Unreachable,
    /// The run ended before this was settled.
    Unknown,
}

/// One property of the model and what the run says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyResult {
    /// The name the model gave it.
    pub name: &'static str,
    /// `Always` or `Sometimes`; `Eventually` is refused before a run begins.
    pub expectation: Expectation,
    /// What the run says about it.
    pub verdict: Verdict,
}

/// A state that settled a property, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery<A, S> {
    /// The name of the property.
    pub property: &'static str,
    /// `Always`: the trace is a counterexample. `Sometimes`: it is a witness.
    pub expectation: Expectation,
    /// The path to the state, the state itself last.
    pub trace: Trace<A, S>,
}

/// States without a successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlocks<A, S> {
    /// How many of the expanded states have no action that leads anywhere. A successor outside
    /// the boundary still counts as somewhere.
    pub count: u64,
    /// The path to the first of them, one of the shallowest.
    pub first: Option<Trace<A, S>>,
}

/// What one depth contributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelCount {
    /// Edges from an initial state.
    pub depth: u32,
    /// States first seen at this depth.
    pub new: u64,
    /// Successors, duplicates included, generated from those states.
    pub generated: u64,
}

/// What one group of actions contributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// Generated successors, duplicates included.
    pub fired: u64,
    /// Of those, the ones that were the first way into a new state.
    pub new: u64,
}

/// What a run found. All but `seconds` and `peak_bytes` is the same for every run of `packed`
/// that no limit of time, memory or interruption cut short, with any number of threads.
///
/// When a limit ends a run of `packed`, its counts are those of the last level that was finished:
/// `distinct` is how many states are reached in `depth` steps or fewer, all of which were checked,
/// and `transitions` are those out of the states of fewer than `depth` steps. So they are numbers
/// that any search bounded to that depth comes to. What was seen of the level under way is not
/// counted; a property that it settled is.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchOutcome<A, S> {
    /// Why the run ended.
    pub ending: Ending,
    /// The model's properties in the model's order.
    pub properties: Vec<PropertyResult>,
    /// Distinct states, initial ones included.
    pub distinct: u64,
    /// Successors generated, duplicates and self loops included. An action for which
    /// `next_state` gives `None`, a successor outside the boundary and an initial state do not
    /// count.
    pub transitions: u64,
    /// Edges on the longest of the shortest paths to the states seen. `None` where the engine
    /// does not know it.
    pub depth: Option<u32>,
    /// Wall-clock time.
    pub seconds: f64,
    /// The most memory the process ever had resident, where the system tells it.
    pub peak_bytes: Option<u64>,
    /// Successors and initial states that lay outside the model's boundary and were dropped. A
    /// complete run with any of these says nothing about what lies beyond.
    pub cut_by_boundary: u64,
    /// States without a successor; `None` where the engine does not tell.
    pub deadlocks: Option<Deadlocks<A, S>>,
    /// Settled properties with their traces, in the model's order of properties.
    pub discoveries: Vec<Discovery<A, S>>,
    /// Counts per depth; empty where the engine has no levels.
    pub levels: Vec<LevelCount>,
    /// Counts per group of actions, if [`Options::kind`] was given and the engine counts them.
    pub kinds: Vec<KindCount>,
    /// The model's promises in the model's order; empty where the engine was not asked about them.
    pub promises: Vec<PromiseResult<A, S>>,
}

impl<A, S> SearchOutcome<A, S> {
    /// Whether every state within the boundary was seen.
    pub fn is_complete(&self) -> bool {
        self.ending == Ending::Complete
    }

    /// The discovery for the property called `name`, if there is one.
    pub fn discovery(&self, name: &str) -> Option<&Discovery<A, S>> {
        self.discoveries.iter().find(|d| d.property == name)
    }
}

/// What the model was doing when it panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Listing properties or initial states.
    Setup,
    /// Listing the actions of a state.
    Actions,
    /// Computing a successor, telling its action's kind, or hashing or comparing it.
    NextState,
    /// Deciding whether a state lies within the boundary.
    Boundary,
    /// Evaluating the property of this name.
    Property(&'static str),
    /// Telling which actions are fair, which are faults and where all is repaired.
    Fairness,
    /// Evaluating the promise of this name.
    Promise(&'static str),
    /// Packing a state, or unpacking it.
    Packing,
    /// Repeating the actions of a trace.
    Trace,
}

/// What is wrong with the way a model packs its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackingFlaw {
    /// Unpacking what a state was packed into gives another state, so two states may be taken for
    /// one.
    RoundTrip,
    /// A packed state has a bit that the model said it makes no use of.
    Bits,
    /// The model's own way to the successors of a state leads to others than its plain functions.
    Successors,
    /// The model's own answer to a property is not that of the property itself.
    Property,
    /// Two steps that the model says commute do not.
    Order,
}

impl fmt::Display for PackingFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundTrip => "a state is not the same after packing and unpacking it",
            Self::Bits => "a packed state has a bit that the model declared unused",
            Self::Successors => "packed and plain functions lead to different successors",
            Self::Property => "packed and plain functions differ on a property",
            Self::Order => "two steps that are said to commute lead to different states",
        })
    }
}

/// Why a run gave no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError<A, S> {
    /// `eventually` is not checked: a search that only asks what a state looks like cannot see
    /// the cycle on which a promise stays open.
    EventuallyRefused {
        /// The name of the property.
        property: &'static str,
    },
    /// The engine has room for fewer properties than the model has.
    TooManyProperties {
        /// How many there is room for.
        most: usize,
    },
    /// The model panicked.
    ModelPanicked {
        /// The text of the panic.
        message: String,
        /// Which part of the model was running.
        doing: Doing,
        /// The way to the state that was at hand, or that state alone where the engine does not
        /// keep ways. Empty if there was no state yet.
        trace: Trace<A, S>,
        /// The action that was being taken from that state.
        action: Option<A>,
    },
    /// An action belongs to a fair action whose number is too large.
    FairnessTooLarge {
        /// The number.
        number: u8,
        /// The largest there is room for.
        most: u8,
        /// The action.
        action: A,
        /// The way to a state in which it has that number.
        trace: Trace<A, S>,
    },
    /// The model packs its states in a way that loses something, so no count of this run can be
    /// trusted.
    PackingBroken {
        /// What is wrong.
        flaw: PackingFlaw,
        /// The way to the state where it showed.
        trace: Trace<A, S>,
    },
    /// What is kept of a run on disk could not be used.
    Checkpoint(CheckpointError),
    /// The same state gave different actions or successors when asked again, so no count and no
    /// trace of this run can be trusted.
    NotRepeatable {
        /// The part of the trace that could be repeated.
        trace: Trace<A, S>,
    },
}

impl<A: fmt::Debug, S> fmt::Display for EngineError<A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventuallyRefused { property } => {
                write!(f, "property {property:?} is an `eventually`, which is not checked")
            }
            Self::TooManyProperties { most } => {
                write!(f, "the model has more than {most} properties")
            }
            Self::ModelPanicked { message, doing, trace, .. } => write!(
                f,
                "the model panicked ({doing:?}) after {} steps: {message}",
                trace.len().saturating_sub(1)
            ),
            Self::FairnessTooLarge { number, most, action, .. } => write!(
                f,
                "the action {action:?} is fair under the number {number}; the largest is {most}"
            ),
            Self::PackingBroken { flaw, trace } => write!(
                f,
                "the packing of the model is broken: {flaw}; seen after {} steps",
                trace.len().saturating_sub(1)
            ),
            Self::Checkpoint(error) => error.fmt(f),
            Self::NotRepeatable { trace } => write!(
                f,
                "the model is not deterministic: step {} of a trace could not be repeated",
                trace.len()
            ),
        }
    }
}

impl<A: fmt::Debug, S: fmt::Debug> std::error::Error for EngineError<A, S> {}

/// What is found for each property, in the model's order, decides the verdicts.
fn judge<M: Model>(
    properties: &[Property<M>],
    found: impl Fn(usize) -> bool,
    ending: Ending,
) -> Vec<PropertyResult> {
    let complete = ending == Ending::Complete;
    let verdict = |index: usize, always: bool| match (found(index), always, complete) {
        (true, true, _) => Verdict::Violated,
        (true, false, _) => Verdict::Reached,
        (false, true, true) => Verdict::Holds,
        (false, false, true) => Verdict::Unreachable,
        (false, _, false) => Verdict::Unknown,
    };
    properties
        .iter()
        .enumerate()
        .map(|(index, property)| PropertyResult {
            name: property.name,
            expectation: property.expectation.clone(),
            verdict: verdict(index, property.expectation == Expectation::Always),
        })
        .collect()
}

/// The model's properties, unless one of them is of a kind that is refused.
fn properties_of<M: Model>(model: &M) -> Result<Vec<Property<M>>, Failure<M>> {
    let properties = guard::guard(Doing::Setup, || model.properties())?;
    match properties.iter().find(|p| p.expectation == Expectation::Eventually) {
        Some(refused) => Err(EngineError::EventuallyRefused { property: refused.name }),
        None => Ok(properties),
    }
}
