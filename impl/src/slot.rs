//! The place inside a node's lock where a role's state lives, and from which a step takes it by move.

use syncsplit_model::protocol::{Broken, Effects, Step};

use crate::error::NodeError;

/// A role's state. Invariant: empty only while a step is being taken, and for ever after a step panicked.
#[derive(Debug)]
pub(crate) struct Slot<S> {
    state: Option<S>,
    role: &'static str,
}

impl<S> Slot<S> {
    /// The place of `role`, which begins in `state`.
    pub(crate) const fn new(role: &'static str, state: S) -> Self {
        Self { state: Some(state), role }
    }

    /// The state between steps.
    pub(crate) fn get(&self) -> Result<&S, NodeError> {
        self.state.as_ref().ok_or(NodeError::Lost { role: self.role })
    }

    /// Takes one step; the effects are the caller's to perform before it gives up the lock.
    pub(crate) fn step<E, R>(
        &mut self,
        step: impl FnOnce(S) -> Step<S, E, R>,
    ) -> Result<(Effects<E>, Option<R>), NodeError> {
        let state = self.state.take().ok_or(NodeError::Lost { role: self.role })?;
        let Step { state, effects, refused } = step(state);
        self.state = Some(state);
        Ok((effects, refused))
    }

    /// Runs the role's invariants in builds with debug assertions; they cost a walk over its containers.
    pub(crate) fn check(
        &self,
        check: impl FnOnce(&S) -> Result<(), Broken>,
    ) -> Result<(), NodeError> {
        if cfg!(debug_assertions) {
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
}
