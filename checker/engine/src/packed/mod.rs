//! The engine for models whose states pack into a few words: exact unless fingerprints are asked
//! for, breadth-first, in parallel, with a few bytes for each state.
//!
//! Never here: an order of arrival. States are numbered as a queue would hold them - by level,
//! then by parent, then by action - whatever the number of threads, so counts, traces and numbers
//! are those of the plainest search there is. A slice of the queue goes through four phases, each
//! shared out over the threads:
//!
//! 1. Expand: each task takes some states in a row and lists what they lead to (`expand`).
//! 2. Insert: each shard looks up what hashes to it, in the order of the queue (`insert`).
//! 3. Adopt: what is new gets its numbers, again in that order, is stored and checked (`adopt`).
//! 4. Settle: each shard notes the numbers (`insert`).

mod adopt;
mod arena;
mod checkpoint;
mod counts;
mod expand;
mod flaw;
mod insert;
mod layout;
mod outcome;
mod pack;
mod prints;
mod recent;
mod rehash;
mod resume;
mod room;
mod row;
mod search;
mod sleep;
mod snapshot;
mod store;
mod table;
mod trace;

use super::limits::Watch;
use super::{
    CheckpointError, Ending, Failure, Keep, KeptOutcome, KeptRun, Options, Resumed, SearchOutcome,
};
use super::{RunResult, Trace, Written};
use ::stateright::Model;
use snapshot::Snapshot;

pub use checkpoint::try_out;
pub use pack::{Kind, Pack, Sink, Steps, Words};
pub use prints::missed_at_most;
pub use store::{StateId, States};

/// Searches the whole of `model`, or up to what `options` say.
///
/// # Errors
///
/// The model panics, packs its states wrongly, is not repeatable, or has a property that the engine refuses. A limit is
/// not an error: it is an [`super::Ending`].
pub fn run<M>(model: &M, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    Ok(explore(model, options)?.0)
}

/// Searches as [`run`] does, from where another run was left and so that yet another one can go
/// on, as `keep` asks. However often a run was interrupted, and with however many threads each
/// part of it ran: what it finds in the end is what it would have found in one piece.
///
/// # Errors
///
/// As [`run`]; or the file to go on with is not a checkpoint of this very run. A file that could not be written is no
/// error here, since it takes nothing from what was found.
pub fn run_kept<M>(model: &M, options: &Options<'_, M::Action>, keep: &Keep<'_>) -> KeptRun<M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    let watch = Watch::new(options.limits, options.interrupt);
    let (searched, origin) = search_within(model, options, &watch, keep)?;
    let written = origin.keep(keep, &searched, searched.outcome.ending);
    Ok(KeptOutcome { outcome: searched.outcome, resumed: origin.resumed, written })
}

/// What [`explore`] returns for the model `M`.
pub type Explored<M> = Result<
    (SearchOutcome<<M as Model>::Action, <M as Model>::State>, States<<M as Pack>::Packed>),
    Failure<M>,
>;

/// Searches as [`run`] does and hands out the states that were seen. These are all states of the
/// model only if the outcome is complete. If a limit ended the run there may be states among them
/// that the outcome does not count: those of the level that was not finished.
///
/// # Errors
///
/// As [`run`].
pub fn explore<M>(model: &M, options: &Options<'_, M::Action>) -> Explored<M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    let watch = Watch::new(options.limits, options.interrupt);
    let (searched, _) = search_within(model, options, &watch, &Keep::default())?;
    Ok((searched.outcome, searched.states))
}

/// What a search comes to.
pub(super) struct Searched<M: Pack> {
    pub(super) outcome: SearchOutcome<M::Action, M::State>,
    pub(super) states: States<M::Packed>,
    snapshot: Snapshot,
}

/// Where a search came from, and what it is about.
pub(super) struct Origin {
    pub(super) resumed: Option<Resumed>,
    about: checkpoint::About,
}

impl Origin {
    /// Writes a search that a limit has ended, if `keep` asks for that. It may have been complete,
    /// and what comes after it was ended.
    pub(super) fn keep<M: Pack>(
        &self,
        keep: &Keep<'_>,
        searched: &Searched<M>,
        ending: Ending,
    ) -> Option<Result<Written, CheckpointError>> {
        let file = keep.write.filter(|_| matches!(ending, Ending::Limit(_)))?;
        let Searched { states, snapshot, .. } = searched;
        Some(checkpoint::write(file, &self.about, snapshot, &states.known))
    }
}

/// The search of [`run_kept`], which `watch` ends early.
pub(super) fn search_within<M>(
    model: &M,
    options: &Options<'_, M::Action>,
    watch: &Watch<'_>,
    keep: &Keep<'_>,
) -> Result<(Searched<M>, Origin), Failure<M>>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    let mut search = search::Search::new(model, options, watch)?;
    let resumed = search.resume(keep)?;
    let origin = Origin { resumed, about: search.about(keep) };
    Ok((search.run()?, origin))
}

/// The shortest way to a state, the one that the search found first.
///
/// # Errors
///
/// The model does not lead there any more, or panics.
pub fn way<M>(
    model: &M,
    states: &States<M::Packed>,
    id: StateId,
) -> Result<Trace<M::Action, M::State>, Failure<M>>
where
    M: Pack,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    trace::rebuild(model, &states.known, id)
}
