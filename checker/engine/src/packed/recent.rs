//! The states that were met last: a small exact memory that fits a processor's cache.
//!
//! Never here: the last word on whether a state is new. To be forgotten costs time, no more.
//!
//! Steps that commute lead to the same state by two ways, and a search in the order of a queue
//! takes both ways shortly after each other. Most successors can therefore be dropped without a
//! look at the visited set, where looking means waiting for memory.

use super::pack::Words;

/// Bytes for the states; a small part of a second-level cache, whose rest the search needs.
const BYTES: usize = 1 << 18;

/// States by their hash, each overwritten by the next one with the same place.
pub(super) struct Recent<P> {
    states: Vec<P>,
    shift: u32,
}

impl<P: Words> Recent<P> {
    /// The memory of one, roughly.
    pub(super) const BYTES: usize = BYTES;

    /// `hash` is the hash by which states are met.
    pub(super) fn new(hash: impl Fn(&P) -> u64) -> Self {
        let bits = (BYTES / size_of::<P>()).max(2).ilog2();
        let mut recent = Self { states: vec![P::ZERO; 1 << bits], shift: u64::BITS - bits };
        // An empty place holds 0, which is taken for a state where 0 itself belongs: so there
        // something else is put that does not belong there.
        let zero = recent.place(hash(&P::ZERO));
        let other = (1..).find_map(|word| {
            let mut packed = P::ZERO;
            packed.words_mut()[0] = word;
            (recent.place(hash(&packed)) != zero).then_some(packed)
        });
        recent.states[zero] = other.unwrap_or(P::ZERO);
        recent
    }

    fn place(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// Whether the state was met lately. From now on it was.
    #[inline]
    pub(super) fn meet(&mut self, hash: u64, packed: &P) -> bool {
        let place = self.place(hash);
        let Some(state) = self.states.get_mut(place) else {
            return false;
        };
        let is_known = state == packed;
        if !is_known {
            *state = *packed;
        }
        is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::layout::Layout;

    #[test]
    fn only_what_was_met_is_known() {
        let layout = Layout::<[u64; 2]>::new(100);
        let mut recent = Recent::new(|state| layout.hash(state));
        let states = (0..3_000_u64).map(|i| [i % 1_000, i % 3]);
        let mut met = std::collections::HashSet::new();
        let mut known = 0;
        for state in states.clone().chain(states) {
            let is_known = recent.meet(layout.hash(&state), &state);
            assert!(!is_known || met.contains(&state), "{state:?} was never met");
            known += u32::from(is_known);
            met.insert(state);
        }
        assert!(known > 2_000, "{known} of 3000 were remembered");
    }
}
