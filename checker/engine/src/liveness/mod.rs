//! Liveness: whether every fair run keeps what the model promises, and a lasso where one does not.
//!
//! Never here: a word about the protocol, or a search for states; those come from
//! [`super::packed`]. What this adds is the relation between the states, and what runs in it.
//!
//! # What a run is
//!
//! A run begins in an initial state and never ends. Each step takes an action that leads to
//! another state, or stutters: the state stays. So a run that stops for good, because nothing is
//! left to do or because nobody does it, is a run that stutters for ever. An action that leads to
//! the same state, or nowhere, counts as not enabled there.
//!
//! A run is *fair* when each fair action is taken infinitely often or is infinitely often not
//! enabled (weak fairness: an action that stays enabled without a break is taken some time). What
//! carries no fairness, faults above all, may happen any number of times or never.
//!
//! A promise is kept when on every fair run each state with `from` is one with `to` or is followed
//! by one. It is broken by a run that passes a state with `from`, and from then on sees no `to`.
//! Under [`Faults::HaveEnded`] only runs count on which faults happen finitely often and nothing
//! stays broken; faults may still happen between `from` and the last of them.
//!
//! # What is assumed
//!
//! - The search was complete. After a limit nothing is claimed, and a model with a boundary is only
//!   judged within it; an action that leads over the boundary still counts as enabled.
//! - [`Live`] answers alike for the same state and action, whenever it is asked.
//! - A model that stores one state for many, up to a renaming, renames nothing that `from`, `to` or
//!   a number of [`Live::fairness`] depends on. Then each run of the renamed states is one of the
//!   true states and the other way round. An action that the renaming turns into a self loop is no
//!   exception: a run through that state may take it as often as it likes.
//!
//! # What is shown
//!
//! [`Verdict::Holds`] means that no fair run of the states seen breaks the promise, whatever its
//! length; nothing is cut off and nothing is left to chance. [`Verdict::Violated`] comes with a
//! [`Lasso`] whose every step was taken again in the model. Verdicts and lassos are the same for
//! any number of threads.

mod bits;
mod cycle;
mod edges;
mod expand;
mod graph;
mod judge;
mod label;
mod region;
mod result;
mod scc;
mod stem;
mod way;

pub use result::{Faults, Lasso, PromiseResult};

use crate::crew::share_out;
use crate::guard::guard;
use crate::limits::{Glance, Pulse, Watch, peak_bytes};
use crate::packed::{self, Pack};
use crate::{
    Doing, Ending, Failure, Keep, KeptOutcome, KeptRun, Options, RunResult, SearchOutcome, Store,
    Verdict,
};
use ::stateright::Model;
use edges::Edges;
use graph::StateGraph;
use judge::{Judge, Ruling};
use std::num::NonZeroUsize;

/// The largest number a fair action may have.
pub const FAIRNESS_MAX: u8 = 63;

/// What a model says about liveness beside what `stateright::Model` lets it say.
pub trait Live: Model {
    /// The weakly fair action that `action` is part of in `state`; `None` if nothing obliges it to
    /// happen: it is a fault, or somebody's free choice. Several actions may be one fair action.
    /// At most [`FAIRNESS_MAX`].
    fn fairness(&self, state: &Self::State, action: &Self::Action) -> Option<u8>;

    /// Whether `action` is a fault in `state`: it does not happen there once faults have ended. One
    /// that is fair as well is owed only while they go on.
    fn is_fault(&self, state: &Self::State, action: &Self::Action) -> bool;

    /// Whether nothing is broken in `state` that only the end of a fault would mend.
    fn is_repaired(&self, state: &Self::State) -> bool;

    /// What is to be checked.
    fn promises(&self) -> Vec<Promise<Self>>
    where
        Self: Sized;
}

/// A predicate over the states of the model `M`.
pub type Predicate<M> = fn(&M, &<M as Model>::State) -> bool;

/// `from` leads to `to`.
pub struct Promise<M: Model> {
    /// What it is called in options and reports.
    pub name: &'static str,
    /// What it says, as a sentence.
    pub says: &'static str,
    /// Where it begins to bind.
    pub from: Predicate<M>,
    /// What has to come then.
    pub to: Predicate<M>,
    /// Whether it binds while faults go on.
    pub faults: Faults,
}

/// Searches the whole of `model` as [`packed::run`] does, then judges its promises. They are
/// [`Verdict::Unknown`] unless the search was complete; a limit that is reached while they are
/// judged leaves the properties settled and says so in [`SearchOutcome::ending`].
///
/// # Errors
///
/// As [`packed::run`]; or a fair action has a number that is too large. A limit is not an error: it is an [`Ending`].
pub fn run<M>(model: &M, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Live + Pack + Sync,
    M::State: Clone + Eq + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    Ok(run_kept(model, options, &Keep::default())?.outcome)
}

/// As [`run`], with what is kept on disk as [`packed::run_kept`] does. The states are kept,
/// and not what was found out about the promises: a limit that ends a run while they are judged
/// costs that much work.
///
/// # Errors
///
/// As [`run`]; or the file to go on with is not a checkpoint of this very run.
pub fn run_kept<M>(model: &M, options: &Options<'_, M::Action>, keep: &Keep<'_>) -> KeptRun<M>
where
    M: Live + Pack + Sync,
    M::State: Clone + Eq + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    let watch = Watch::new(options.limits, options.interrupt);
    let promises = guard(Doing::Setup, || model.promises())?;
    let (mut searched, origin) = packed::search_within(model, options, &watch, keep)?;
    let outcome = &mut searched.outcome;
    outcome.promises = promises.iter().map(unsettled).collect();
    // Fingerprints do not tell which states are connected.
    let has_states = options.store == Store::Exact;
    if outcome.ending == Ending::Complete && !promises.is_empty() && has_states {
        let liveness = Liveness {
            model,
            graph: &StateGraph { model, states: &searched.states },
            promises: &promises,
            threads: NonZeroUsize::new(options.threads).unwrap_or(NonZeroUsize::MIN),
            watch: &watch,
            pulse: Pulse::new(&watch, options.progress),
        };
        liveness.answer(outcome)?;
        if let Some(limit) = watch.reached() {
            outcome.ending = Ending::Limit(limit);
        }
    }
    outcome.seconds = watch.seconds();
    outcome.peak_bytes = peak_bytes();
    let ending = outcome.ending;
    let written = origin.keep(keep, &searched, ending);
    Ok(KeptOutcome { outcome: searched.outcome, resumed: origin.resumed, written })
}

/// A promise of which nothing is known yet.
fn unsettled<M: Model>(promise: &Promise<M>) -> PromiseResult<M::Action, M::State> {
    PromiseResult {
        name: promise.name,
        says: promise.says,
        faults: promise.faults,
        verdict: Verdict::Unknown,
        from_states: None,
        open_states: None,
        lasso: None,
    }
}

/// The outcome of a run over the model `M`.
type OutcomeOf<M> = SearchOutcome<<M as Model>::Action, <M as Model>::State>;

struct Liveness<'a, M: Pack> {
    model: &'a M,
    graph: &'a StateGraph<'a, M>,
    promises: &'a [Promise<M>],
    threads: NonZeroUsize,
    watch: &'a Watch<'a>,
    pulse: Pulse<'a>,
}

impl<M> Liveness<'_, M>
where
    M: Live + Pack + Sync,
    M::State: Clone + Eq + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    fn answer(&self, outcome: &mut OutcomeOf<M>) -> Result<(), Failure<M>> {
        let glance = |left: u64| Glance {
            depth: outcome.depth,
            distinct: outcome.distinct,
            transitions: outcome.transitions,
            queue: Some(left),
        };
        let Some(edges) = self.edges(&glance)? else {
            return Ok(());
        };
        let initial = way::initial(self.model, self.graph)?;
        let rulings = self.rulings(&edges, &initial, &glance);
        for ((result, ruling), which) in outcome.promises.iter_mut().zip(rulings).zip(0..) {
            result.from_states = Some(edges.marks.from[which].count());
            result.open_states = Some(edges.marks.open(which).count());
            result.verdict = match ruling {
                Ruling::Unsettled => Verdict::Unknown,
                Ruling::Kept if result.from_states == Some(0) => Verdict::Unreachable,
                Ruling::Kept => Verdict::Holds,
                Ruling::Broken(route) => {
                    result.lasso = Some(way::lasso(self.model, self.graph, &route)?);
                    Verdict::Violated
                }
            };
        }
        Ok(())
    }

    /// `None` if the run was left.
    fn edges(&self, glance: &dyn Fn(u64) -> Glance) -> Result<Option<Edges>, Failure<M>> {
        let expander = expand::Expander {
            model: self.model,
            graph: self.graph,
            promises: self.promises,
            watch: self.watch,
        };
        let beat = |left: u64, bytes: u64| {
            self.watch.note_memory(self.graph.bytes() + bytes);
            self.pulse.beat(|| glance(left));
        };
        expander.edges(self.threads, &beat)
    }

    /// Each promise is judged by one thread, and by itself; what it comes to depends on nothing
    /// but the edges.
    fn rulings(
        &self,
        edges: &Edges,
        initial: &[u32],
        glance: &dyn Fn(u64) -> Glance,
    ) -> Vec<Ruling> {
        let mut rulings: Vec<_> = self.promises.iter().map(|_| Ruling::Unsettled).collect();
        let work = |(which, ruling): (usize, &mut Ruling)| {
            let faults = self.promises[which].faults;
            *ruling = Judge { edges, initial, watch: self.watch }.rule(which, faults);
        };
        // Threads that each ask whether there is room for one more list may all be told there is.
        let threads = if self.watch.limits_memory() { NonZeroUsize::MIN } else { self.threads };
        let at_once = threads.get().min(self.promises.len()) as u64;
        let bytes = self.graph.bytes() + edges.bytes() + at_once * Judge::bytes(edges);
        self.watch.note_memory(bytes);
        share_out(threads, rulings.iter_mut().enumerate(), work, || {
            self.pulse.beat(|| glance(0));
        });
        rulings
    }
}
