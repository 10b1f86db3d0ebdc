//! A model that costs nothing and has no order in it: every state leads to random ones.
//!
//! Never here: a resemblance to a protocol. It shows what it takes to put so many states of such
//! a size into the visited set when nothing helps.

use stateright::{Model, Property};
use syncsplit_engine::packed::{Pack, Sink};

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// So many states of so many bits in as many words as the imitated model's, each with so many steps; nearly all can be
/// reached from the first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random<const WORDS: usize> {
    pub(crate) states: u64,
    pub(crate) fan: u64,
    pub(crate) bits: usize,
}

const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_mul(FACTOR);
    (number ^ number >> 29).wrapping_mul(FACTOR)
}

impl<const WORDS: usize> Random<WORDS> {
    fn next(self, state: u64, step: u64) -> u64 {
        let random = mixed(state * self.fan + step + 1);
        ((u128::from(random) * u128::from(self.states)) >> 64) as u64
    }

    /// The bits of word `at` that belong to a state.
    fn mask(self, at: usize) -> u64 {
        match self.bits.saturating_sub(64 * at) {
            0 => 0,
            bits => u64::MAX >> (64 - bits.min(64)),
        }
    }
}

impl<const WORDS: usize> Model for Random<WORDS> {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, _: &u64, actions: &mut Vec<u64>) {
        actions.extend(0..self.fan);
    }

    fn next_state(&self, state: &u64, step: u64) -> Option<u64> {
        Some(self.next(*state, step))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Vec::new()
    }
}

/// The first word is the number times an odd one, which spreads the states over all bits and can be undone; the others
/// follow from the number.
impl<const WORDS: usize> Pack for Random<WORDS> {
    type Packed = [u64; WORDS];

    fn bits(&self) -> usize {
        self.bits
    }

    fn pack(&self, state: &u64) -> [u64; WORDS] {
        std::array::from_fn(|at| match at {
            0 => state.wrapping_mul(FACTOR) & self.mask(0),
            at => mixed(state.wrapping_add(at as u64)) & self.mask(at),
        })
    }

    fn unpack(&self, packed: &[u64; WORDS]) -> u64 {
        // Newton's iteration: each step doubles the number of bits that are right.
        let inverse = (0..5).fold(FACTOR, |inverse: u64, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(FACTOR.wrapping_mul(inverse)))
        });
        packed[0].wrapping_mul(inverse) & self.mask(0)
    }

    fn successors<S>(&self, packed: &[u64; WORDS], _: &mut Vec<u64>, sink: &mut S)
    where
        S: Sink<Self>,
    {
        let state = self.unpack(packed);
        for step in 0..self.fan {
            let kind = sink.kind(&step);
            sink.step(kind, &self.pack(&self.next(state, step)));
        }
    }
}
