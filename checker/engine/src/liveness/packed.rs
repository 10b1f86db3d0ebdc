//! Liveness over packed states: the search of [`crate::packed`], then the promises.
//!
//! Never here: how a promise is judged.

use super::graph::{First, NONE, StateGraph};
use super::{Live, Liveness, unsettled};
use crate::limits::{Pulse, Watch, peak_bytes};
use crate::packed::{self, Pack, StateId, States};
use crate::trace::guard;
use crate::{Doing, Ending, Keep, Kept, KeptRun, Options, RunResult, Store};
use std::borrow::Cow;
use std::hash::Hash;
use std::num::NonZeroUsize;

/// The packed states of a complete search.
struct Packed<'a, M: Pack> {
    model: &'a M,
    states: &'a States<M::Packed>,
}

impl<M> StateGraph<M::State> for Packed<'_, M>
where
    M: Pack + Sync,
    M::State: Clone + Eq,
{
    fn len(&self) -> usize {
        self.states.len() as usize
    }

    fn state(&self, number: u32) -> Option<Cow<'_, M::State>> {
        let packed = self.states.state(StateId::new(number))?;
        Some(Cow::Owned(self.model.unpack(&packed)))
    }

    fn find(&self, states: &[M::State], numbers: &mut Vec<u32>) {
        for state in states {
            let found = self.states.find(&self.model.pack(state));
            numbers.push(found.map_or(NONE, StateId::get));
        }
    }

    /// The store keeps no actions, so the parent's are taken again until one leads here.
    fn first(&self, number: u32) -> Option<First> {
        let id = StateId::new(number);
        let state = self.states.state(id)?;
        let Some(parent) = self.states.parent(id) else {
            let packed = |state: &M::State| self.model.pack(state);
            let at = self.model.init_states().iter().position(|root| packed(root) == state)?;
            return Some(First { parent: None, action: u32::try_from(at).ok()? });
        };
        let before = self.model.unpack(&self.states.state(parent)?);
        let mut actions = Vec::new();
        self.model.actions(&before, &mut actions);
        let at = actions.into_iter().position(|action| {
            let after = self.model.next_state(&before, action);
            after.is_some_and(|after| self.model.pack(&after) == state)
        })?;
        Some(First { parent: Some(parent.get()), action: u32::try_from(at).ok()? })
    }

    fn bytes(&self) -> u64 {
        self.states.bytes() as u64
    }
}

/// As [`super::run`], on the packed engine.
///
/// # Errors
///
/// See [`crate::EngineError`]. A limit is not an error: it is an [`Ending`].
pub fn run_packed<M>(model: &M, options: &Options<'_, M::Action>) -> RunResult<M>
where
    M: Live + Pack + Sync,
    M::State: Clone + Eq + Hash + Send + Sync,
    M::Action: Clone + Send + Sync,
{
    Ok(run_kept(model, options, &Keep::default())?.outcome)
}

/// As [`run_packed`], with what is kept on disk as [`packed::run_kept`] does. The states are kept,
/// and not what was found out about the promises: a limit that ends a run while they are judged
/// costs that much work.
///
/// # Errors
///
/// See [`packed::run_kept`].
pub fn run_kept<M>(model: &M, options: &Options<'_, M::Action>, keep: &Keep<'_>) -> KeptRun<M>
where
    M: Live + Pack + Sync,
    M::State: Clone + Eq + Hash + Send + Sync,
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
            graph: &Packed { model, states: &searched.states },
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
    Ok(Kept { outcome: searched.outcome, resumed: origin.resumed, written })
}
