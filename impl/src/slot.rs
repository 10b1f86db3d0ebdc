//! The place inside a node's lock where a role's state lives, and from which a step takes it by move.

use syncsplit_model::protocol::{Broken, Effects, Step};

use crate::error::NodeError;
use crate::roles::Roles;

/// A role's state. Invariant: empty only while a step is being taken, and for ever after a step panicked or the state was
/// handed over.
#[derive(Debug)]
pub(crate) struct Slot<S> {
    state: Option<S>,
    role: &'static str,
    handed_over: bool,
}

impl<S> Slot<S> {
    /// The place of `role`, which begins in `state`.
    pub(crate) const fn new(role: &'static str, state: S) -> Self {
        Self { state: Some(state), role, handed_over: false }
    }

    /// The state between steps.
    pub(crate) fn get(&self) -> Result<&S, NodeError> {
        self.state.as_ref().ok_or(self.gone())
    }

    /// Takes one step; the effects are the caller's to perform before it gives up the lock.
    pub(crate) fn step<E, R>(
        &mut self,
        step: impl FnOnce(S) -> Step<S, E, R>,
    ) -> Result<(Effects<E>, Option<R>), NodeError> {
        let state = self.state.take().ok_or(self.gone())?;
        let Step { state, effects, refused } = step(state);
        self.state = Some(state);
        Ok((effects, refused))
    }

    /// Gives the state away for good.
    pub(crate) fn hand_over(&mut self) -> Result<S, NodeError> {
        let state = self.state.take().ok_or(self.gone())?;
        self.handed_over = true;
        Ok(state)
    }

    /// Why there is no state.
    const fn gone(&self) -> NodeError {
        let role = self.role;
        if self.handed_over { NodeError::HandedOver { role } } else { NodeError::Lost { role } }
    }

    /// Runs the role's invariants where `roles` says so.
    pub(crate) fn check(
        &self,
        roles: &dyn Roles,
        check: impl FnOnce(&S) -> Result<(), Broken>,
    ) -> Result<(), NodeError> {
        if roles.checks_invariants() {
            check(self.get()?).map_err(NodeError::Invariant)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_a_step_is_told_to_every_later_caller() {
        let mut slot = Slot::new("primary", 1_u8);
        let step = std::panic::AssertUnwindSafe(|| {
            let _ = slot.step::<(), ()>(|_| std::panic::resume_unwind(Box::new("planned")));
        });
        assert!(std::panic::catch_unwind(step).is_err());
        assert!(matches!(slot.get(), Err(NodeError::Lost { role: "primary" })));
    }

    #[test]
    fn a_state_is_handed_over_once() {
        let mut slot = Slot::new("primary", 1_u8);
        assert!(matches!(slot.hand_over(), Ok(1)));
        assert!(matches!(slot.get(), Err(NodeError::HandedOver { role: "primary" })));
        assert!(matches!(slot.hand_over(), Err(NodeError::HandedOver { .. })));
    }
}
