//! What a search of a world leaves out: images of states, steps that can wait, and orders of steps that commute.
//!
//! Never here: why nothing is lost. Which blocks can be exchanged, which steps can be taken first and which commute is said
//! in `syncsplit_model::world`.

use stateright::Model;
use syncsplit_model::world::{Action, Commuting, State};

use crate::SearchSpace;
use crate::bits::Packed;
use crate::pack::{pack, unpack};

impl SearchSpace {
    /// The same space, whose states stand for all their images under the exchanges of blocks that the world knows.
    #[must_use]
    pub fn with_blocks_exchanged(mut self) -> Self {
        self.exchanges = self.world.automorphisms();
        self
    }

    /// The same space, in which a step that can be taken first is taken at once, as a part of the step before.
    #[must_use]
    pub fn with_order_reduced(mut self) -> Self {
        self.leads_first = true;
        self
    }

    /// The same space for a search that need not take two steps that commute in both orders, if it is known which do. Its
    /// actions are listed with the rare ones first: of two steps that commute the one that is listed first is taken first,
    /// so that what is rarely on offer is rarely taken again.
    #[must_use]
    pub fn with_steps_asleep(mut self) -> Self {
        self.commuting = Commuting::of(&self.world);
        self
    }

    /// The action that is taken at once in `state`, if one is.
    #[must_use]
    pub fn led(&self, state: &State) -> Option<Action> {
        if self.leads_first { self.world.leading(state).next() } else { None }
    }

    /// Takes the steps that are to be taken at once, and tells whether there were any. There are few: none of the kinds
    /// that lead makes way for another of its own kind.
    pub(crate) fn lead(&self, state: &mut State) -> bool {
        let mut led = false;
        while let Some(first) = self.led(state) {
            let Some(after) = self.world.next_state(state, first) else { break };
            *state = after;
            led = true;
        }
        led
    }

    /// The least words that `state`, whose own words are `words`, has under the exchanges of blocks in use.
    pub(crate) fn least(&self, state: &State, words: Packed) -> Packed {
        let images =
            self.exchanges.iter().map(|exchange| pack(&self.world, &exchange.image(state)));
        images.fold(words, Packed::min)
    }

    /// The state that stands for `state` in this space: after the steps that are taken at once, and of all its images
    /// under the exchanges of blocks in use the one of the least words. `state` is in normal form; so is what stands for it.
    #[must_use]
    pub fn representative(&self, state: &State) -> State {
        let mut after = *state;
        self.lead(&mut after);
        if self.exchanges.is_empty() {
            return after;
        }
        unpack(&self.world, &self.least(&after, pack(&self.world, &after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncsplit_model::world::{Bounds, Fault, Faults, INSTANCES, Transactions, Variant, World};

    #[test]
    fn what_stands_for_a_state_stands_for_all_its_images() {
        let faults: Faults = [Fault::LinkDown, Fault::LeaseExpiry].into_iter().collect();
        for blocks in [2, 3] {
            let bounds = Bounds {
                blocks,
                transactions: Transactions::Any,
                journal: 2,
                frames: 1,
                acks: 0,
                host_messages: 1,
                faults,
                ..INSTANCES[0].bounds
            };
            let plain = World::new(bounds, Variant::Hardened, &[]);
            let reduced = SearchSpace::new(plain.clone()).with_blocks_exchanged();
            let mut state = plain.normal(plain.raw_initial());
            let mut moved = 0;
            for step in 0..3_000_usize {
                let first = reduced.representative(&state);
                assert_eq!(reduced.representative(&first), first);
                assert!(pack(&plain, &first) <= pack(&plain, &state));
                for exchange in plain.automorphisms() {
                    let image = exchange.image(&state);
                    moved += usize::from(image != state);
                    assert_eq!(reduced.representative(&image), first);
                }
                let mut after = plain.next_states(&state);
                state = after.swap_remove((step * 7_919) % after.len());
            }
            assert!(moved > 1_000, "{moved} images differ from their states");
        }
    }
}
