//! From the number of a state back to the way that led there, and from a failure to an error.
//!
//! Never here: the choice of which state to show.

use super::flaw::{Flaw, actions_of};
use super::pack::Pack;
use super::store::{Known, StateId};
use crate::guard::{guard, message_of};
use crate::{Doing, EngineError, Failure, PackingFlaw, TraceOf};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The place a thread has reached, kept up to date so that a failure can be placed.
pub(super) struct CallSite {
    pub(super) state: Option<StateId>,
    pub(super) doing: Doing,
}

/// A failure of the model in a worker thread.
pub(super) struct Broke {
    at: CallSite,
    why: Why,
}

enum Why {
    Panicked(String),
    Flawed(Flaw),
}

/// Runs a worker's task to its end or to the model's failure. What the task has written by then
/// stays readable: a failure ends the run, so nothing half done is ever counted.
pub(super) fn attempt(task: impl FnOnce(&mut CallSite) -> Result<(), Flaw>) -> Option<Broke> {
    let mut at = CallSite { state: None, doing: Doing::Packing };
    let why = match catch_unwind(AssertUnwindSafe(|| task(&mut at))) {
        Ok(Ok(())) => return None,
        Ok(Err(flaw)) => Why::Flawed(flaw),
        Err(payload) => Why::Panicked(message_of(payload.as_ref())),
    };
    Some(Broke { at, why })
}

/// The error for a worker's failure, with the way to the state it happened in.
pub(super) fn explain<M: Pack>(model: &M, known: &Known<M::Packed>, broke: Broke) -> Failure<M>
where
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    // Where the way cannot be repeated, the part of it that can is shown. A model that panics
    // here as well leaves us with the first failure and no way to it.
    let trace = match broke.at.state.map(|id| rebuild(model, known, id)) {
        Some(Ok(trace)) => trace,
        Some(Err(
            EngineError::NotRepeatable { trace } | EngineError::PackingBroken { trace, .. },
        )) => trace,
        None
        | Some(Err(
            EngineError::EventuallyRefused { .. }
            | EngineError::TooManyProperties { .. }
            | EngineError::ModelPanicked { .. }
            | EngineError::FairnessTooLarge { .. }
            | EngineError::Checkpoint(_),
        )) => Vec::new(),
    };
    match broke.why {
        Why::Flawed(Flaw::Packing(flaw)) => EngineError::PackingBroken { flaw, trace },
        Why::Flawed(Flaw::NotRepeatable) => EngineError::NotRepeatable { trace },
        Why::Panicked(message) => {
            let (doing, action) = match (broke.at.doing, trace.last()) {
                (Doing::Actions, Some((_, state))) => locate(model, state),
                (doing, _) => (doing, None),
            };
            EngineError::ModelPanicked { message, doing, trace, action }
        }
    }
}

/// Which piece of the model panics when this state is expanded, and for which action.
fn locate<M: Pack>(model: &M, state: &M::State) -> (Doing, Option<M::Action>)
where
    M::Action: Clone,
{
    let Ok(actions) = quiet(Doing::Actions, || actions_of(model, state)) else {
        return (Doing::Actions, None);
    };
    for action in actions {
        let step = || -> Result<(), Doing> {
            let next = quiet(Doing::NextState, || model.next_state(state, action.clone()))?;
            let Some(next) = next else { return Ok(()) };
            if quiet(Doing::Boundary, || model.within_boundary(&next))? {
                quiet(Doing::Packing, || model.unpack(&model.pack(&next)))?;
            }
            Ok(())
        };
        if let Err(doing) = step() {
            return (doing, Some(action));
        }
    }
    // The plain functions get through: it was the model's own way to its successors, or a kind.
    (Doing::NextState, None)
}

/// Runs a piece of the model whose panic is known of already.
fn quiet<T>(doing: Doing, piece: impl FnOnce() -> T) -> Result<T, Doing> {
    catch_unwind(AssertUnwindSafe(piece)).map_err(|_| doing)
}

/// The way to `id` along first parents. Each step is taken again and must lead to what is stored,
/// or to what has its fingerprint.
pub(super) fn rebuild<M: Pack>(
    model: &M,
    known: &Known<M::Packed>,
    id: StateId,
) -> Result<TraceOf<M>, Failure<M>>
where
    M::State: Clone + PartialEq,
    M::Action: Clone,
{
    guard(Doing::Trace, || {
        let mut chain = vec![id];
        let mut at = id;
        while let Some(parent) = known.parent(at) {
            chain.push(parent);
            at = parent;
        }
        let mut trace: TraceOf<M> = Vec::with_capacity(chain.len());
        for id in chain.into_iter().rev() {
            let is_wanted = |state: &M::State| known.is(id.get(), &model.pack(state));
            let step = match trace.last() {
                None => model.init_states().into_iter().find(is_wanted).map(|state| (None, state)),
                Some((_, previous)) => actions_of(model, previous).into_iter().find_map(|action| {
                    let next = model.next_state(previous, action.clone())?;
                    is_wanted(&next).then_some((Some(action), next))
                }),
            };
            let Some(step) = step else {
                return Err(EngineError::NotRepeatable { trace });
            };
            let is_kept = model.unpack(&model.pack(&step.1)) == step.1;
            trace.push(step);
            if !is_kept {
                return Err(EngineError::PackingBroken { flaw: PackingFlaw::RoundTrip, trace });
            }
        }
        Ok(trace)
    })?
}
