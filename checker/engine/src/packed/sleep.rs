//! Which steps need not be taken in which states, since they lead to where another way leads.
//!
//! Never here: which steps commute; the model says so.
//!
//! Sleep sets (P. Godefroid, *Partial-Order Methods*, 1996) in the order of a queue. A state is
//! reached first by the least of its shortest ways, if ways are compared by the places of their
//! steps in the lists of actions. A step sleeps in a state if on that way it could have been taken
//! earlier: it was listed before the step that was, and commutes with all from there on. Taken
//! here, it ends a way that is not the least one of its length. So no least way has a step that
//! sleeps, and every state is found, by the way and in the order in which it is found if none does.

use super::pack::Steps;
use super::store::StateId;

/// The steps that sleep in the states of two levels.
#[derive(Default)]
pub(super) struct Sleep {
    /// The first state of the level that is expanded.
    first: u32,
    now: Vec<Steps>,
    /// Those of the level that is being found.
    next: Vec<Steps>,
}

impl Sleep {
    /// The steps that sleep in a state of the level that is expanded.
    #[inline]
    pub(super) fn of(&self, id: StateId) -> Steps {
        let at = id.get().checked_sub(self.first).map(|at| at as usize);
        at.and_then(|at| self.now.get(at)).copied().unwrap_or(0)
    }

    /// Adds the states that were found after those that were found before.
    pub(super) fn found(&mut self, states: impl Iterator<Item = Steps>) {
        self.next.extend(states);
    }

    /// The level that was found, which begins with this state, is expanded from now on.
    pub(super) fn begin_level(&mut self, first: u32) {
        self.first = first;
        std::mem::swap(&mut self.now, &mut self.next);
        self.next.clear();
    }

    /// A search that is taken up again does not know what slept in the states that it had found:
    /// so many of the level that is being found. It takes all their steps, which does no harm.
    pub(super) fn forget(&mut self, found: usize) {
        self.now.clear();
        self.next.clear();
        self.next.resize(found, 0);
    }

    pub(super) fn bytes(&self) -> usize {
        (self.now.capacity() + self.next.capacity()) * size_of::<Steps>()
    }

    /// The memory in use once `more` states were found.
    pub(super) fn bytes_for(&self, more: usize) -> usize {
        let needed = self.next.len() + more;
        // A list that grows doubles, and for a moment holds both the old and the new one.
        let next = if needed > self.next.capacity() { 3 * needed } else { self.next.capacity() };
        (self.now.capacity() + next) * size_of::<Steps>()
    }
}
