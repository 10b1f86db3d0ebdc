//! From the number of a state back to the way that led there, and from a panic to an error.
//!
//! Never here: the choice of which state to show.

use super::store::{Link, StateId, Store};
use super::{Doing, EngineError, Failure, Trace};
use ::stateright::Model;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A [`Trace`] in the terms of the model `M`.
type Way<M> = Trace<<M as Model>::Action, <M as Model>::State>;

/// The place a thread has reached in the model, kept up to date so that a panic can be placed.
#[derive(Clone, Copy)]
pub(super) struct Where {
    pub(super) state: StateId,
    /// The action being taken from that state, by position.
    pub(super) action: Option<u32>,
    pub(super) doing: Doing,
}

impl Where {
    pub(super) const START: Self = Self { state: StateId::NONE, action: None, doing: Doing::Setup };

    /// At this state, with no action under way.
    pub(super) fn at(state: StateId, doing: Doing) -> Self {
        Self { state, action: None, doing }
    }
}

/// A panic of the model in a worker thread.
pub(super) struct Broke {
    message: String,
    at: Where,
}

/// Runs a worker's task to its end or to the model's panic. What the task has written by then
/// stays readable: a panic ends the run, so nothing half done is ever counted.
pub(super) fn attempt(task: impl FnOnce(&mut Where)) -> Option<Broke> {
    let mut at = Where::START;
    let caught = catch_unwind(AssertUnwindSafe(|| task(&mut at)));
    caught.err().map(|payload| Broke { message: message_of(payload.as_ref()), at })
}

/// Runs a piece of the model for which there is no state to name.
pub(super) fn guard<T, A, S>(
    doing: Doing,
    piece: impl FnOnce() -> T,
) -> Result<T, EngineError<A, S>> {
    catch_unwind(AssertUnwindSafe(piece)).map_err(|payload| EngineError::ModelPanicked {
        message: message_of(payload.as_ref()),
        doing,
        trace: Vec::new(),
        action: None,
    })
}

pub(super) fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// The error for a worker's panic, with the way to the state it happened in.
pub(super) fn explain<M: Model>(model: &M, store: &Store<M::State>, broke: Broke) -> Failure<M>
where
    M::State: Clone + Eq,
    M::Action: Clone,
{
    // A model that panics here as well leaves us with the first panic and no way to it.
    let trace = rebuild(model, store, broke.at.state).unwrap_or_default();
    let action = guard::<_, (), ()>(Doing::Trace, || {
        let (_, state) = trace.last()?;
        nth_action(model, state, broke.at.action?)
    });
    EngineError::ModelPanicked {
        message: broke.message,
        doing: broke.at.doing,
        action: action.ok().flatten(),
        trace,
    }
}

/// The way to `id` along first links. Each step is taken again and must lead to the stored state.
pub(super) fn rebuild<M: Model>(
    model: &M,
    store: &Store<M::State>,
    id: StateId,
) -> Result<Way<M>, Failure<M>>
where
    M::State: Clone + Eq,
    M::Action: Clone,
{
    guard(Doing::Trace, || {
        let mut trace = Vec::new();
        for (link, state) in chain(store, id).into_iter().rev() {
            let action = match trace.last() {
                None => None,
                Some((_, previous)) => match nth_action(model, previous, link.action) {
                    Some(a) if model.next_state(previous, a.clone()).as_ref() == Some(state) => {
                        Some(a)
                    }
                    _ => return Err(EngineError::NotRepeatable { trace }),
                },
            };
            trace.push((action, state.clone()));
        }
        Ok(trace)
    })?
}

/// From `id` back to its initial state.
fn chain<S: Eq>(store: &Store<S>, id: StateId) -> Vec<(Link, &S)> {
    let mut chain = Vec::new();
    let mut at = id;
    while let (Some(link), Some(state)) = (store.link(at), store.state(at)) {
        chain.push((link, state));
        at = link.parent;
    }
    chain
}

pub(super) fn nth_action<M: Model>(
    model: &M,
    state: &M::State,
    position: u32,
) -> Option<M::Action> {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    actions.into_iter().nth(position as usize)
}
