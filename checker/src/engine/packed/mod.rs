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
mod expand;
mod flaw;
mod insert;
mod layout;
mod pack;
mod prints;
mod recent;
mod rehash;
mod room;
mod search;
mod store;
mod table;
mod trace;

use super::limits::Watch;
use super::{Failure, Options, Outcome, RunResult, Trace};
use ::stateright::Model;

pub use pack::{Kind, Pack, Sink, Words};
pub use prints::missed_at_most;
pub use store::{StateId, States};

/// Searches the whole of `model`, or up to what `options` say.
///
/// # Errors
///
/// See [`super::EngineError`]. A limit is not an error: it is an [`super::Ending`].
pub fn run<M>(model: &M, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    Ok(explore(model, options)?.0)
}

/// What [`explore`] returns for the model `M`.
pub type Explored<M> = Result<
    (Outcome<<M as Model>::Action, <M as Model>::State>, States<<M as Pack>::Packed>),
    Failure<M>,
>;

/// Searches as [`run`] does and hands out the states that were seen. These are all states of the
/// model only if the outcome is complete.
///
/// # Errors
///
/// See [`run`].
pub fn explore<M>(model: &M, options: &Options<'_, M::Action>) -> Explored<M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    let watch = Watch::new(options.limits, options.interrupt);
    search_within(model, options, &watch)
}

/// The search of [`explore`], which `watch` ends early.
pub(super) fn search_within<M>(
    model: &M,
    options: &Options<'_, M::Action>,
    watch: &Watch<'_>,
) -> Explored<M>
where
    M: Pack + Sync,
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    search::Search::new(model, options, watch)?.run()
}

/// The shortest way to a state, the one that the search found first.
///
/// # Errors
///
/// If the model does not lead there any more, or panics.
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
