//! A model that costs nothing and has no order in it: every state leads to random ones.
//!
//! Never here: a resemblance to a protocol. It shows what it takes to put so many states of such
//! a size into the visited set when nothing helps.

use stateright::{Model, Property};
use syncsplit_checker::engine::packed::{Pack, Sink};

/// Successors of a state: about as many as two-phase commit has.
const FAN: u64 = 12;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// So many states of so many bits; nearly all can be reached from the first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random {
    pub(crate) states: u64,
    pub(crate) bits: usize,
}

impl Random {
    fn next(self, state: u64, step: u64) -> u64 {
        let random = (state * FAN + step + 1).wrapping_mul(FACTOR);
        let random = (random ^ random >> 29).wrapping_mul(FACTOR);
        ((u128::from(random) * u128::from(self.states)) >> 64) as u64
    }

    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits.clamp(1, 64))
    }
}

impl Model for Random {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, _: &u64, actions: &mut Vec<u64>) {
        actions.extend(0..FAN);
    }

    fn next_state(&self, state: &u64, step: u64) -> Option<u64> {
        Some(self.next(*state, step))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Vec::new()
    }
}

/// Multiplied by an odd number, which spreads the states over all bits and can be undone.
impl Pack for Random {
    type Packed = [u64; 1];

    fn bits(&self) -> usize {
        self.bits
    }

    fn pack(&self, state: &u64) -> [u64; 1] {
        [state.wrapping_mul(FACTOR) & self.mask()]
    }

    fn unpack(&self, packed: &[u64; 1]) -> u64 {
        // Newton's iteration: each step doubles the number of bits that are right.
        let inverse = (0..5).fold(FACTOR, |inverse: u64, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(FACTOR.wrapping_mul(inverse)))
        });
        packed[0].wrapping_mul(inverse) & self.mask()
    }

    fn successors<S: Sink<Self>>(&self, packed: &[u64; 1], _: &mut Vec<u64>, sink: &mut S) {
        let state = self.unpack(packed);
        for step in 0..FAN {
            let kind = sink.kind(&step);
            sink.step(kind, &self.pack(&self.next(state, step)));
        }
    }
}
