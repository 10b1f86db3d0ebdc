//! What liveness needs of the states of a search: their numbers, in both directions.
//!
//! Never here: the edges between states. A search only keeps one way to each of them.

use crate::packed::{Pack, StateId, States};

/// No state has this number.
pub(super) const NONE: u32 = u32::MAX;

/// How a state was first reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    /// The state it was reached from; `None` for an initial state.
    pub(super) parent: Option<u32>,
    /// The position of the action in the parent's list, or of an initial state in the model's.
    pub(super) action: u32,
}

/// All states that a complete search has found, numbered from 0 without a gap.
pub(super) struct StateGraph<'a, M: Pack> {
    pub(super) model: &'a M,
    pub(super) states: &'a States<M::Packed>,
}

impl<M: Pack> StateGraph<'_, M> {
    /// How many there are; less than [`NONE`].
    pub(super) fn len(&self) -> usize {
        self.states.len() as usize
    }

    /// The state of this number.
    pub(super) fn state(&self, number: u32) -> Option<M::State> {
        Some(self.model.unpack(&self.states.state(StateId::new(number))?))
    }

    /// Appends the numbers of `states` to `numbers`, [`NONE`] for a state that was never found.
    pub(super) fn find(&self, states: &[M::State], numbers: &mut Vec<u32>) {
        for state in states {
            let found = self.states.find(&self.model.pack(state));
            numbers.push(found.map_or(NONE, StateId::get));
        }
    }

    /// How the state of this number was first reached. The search keeps no actions, so the parent's
    /// are taken again until one leads here.
    pub(super) fn first(&self, number: u32) -> Option<First> {
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

    /// The memory that the states take.
    pub(super) fn bytes(&self) -> u64 {
        self.states.bytes() as u64
    }
}
