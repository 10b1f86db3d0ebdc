//! From hash bits to positions: an open-addressing table that never looks at a state itself.
//!
//! Never here: states, and so never the last word on whether two of them are the same.
//!
//! A lookup in a set of millions of states is a wait for memory. Hash bits and position share one
//! word here, so finding a position is one wait, and the bits weed out nearly all states that
//! would have to be fetched only to be told apart.

/// No state has this position in a shard.
const EMPTY: u64 = u64::MAX;
const BITS_FIRST: u32 = 4;
/// The table doubles when more than `FULL_NUM / FULL_DEN` of it is taken: probes stay within a
/// cache line or two.
const FULL_NUM: usize = 5;
const FULL_DEN: usize = 8;

/// Positions by the tags of the states that are there.
pub(super) struct Table {
    /// The tag in the upper half, the position in the lower one.
    slots: Vec<u64>,
    bits: u32,
    len: usize,
}

/// The answer to a lookup.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Find {
    Position(u32),
    /// There is none; a new one belongs in this slot.
    Vacant(usize),
}

impl Table {
    pub(super) fn new() -> Self {
        Self { slots: vec![EMPTY; 1 << BITS_FIRST], bits: BITS_FIRST, len: 0 }
    }

    /// The first position with this tag that `is_same` agrees to.
    pub(super) fn find(&self, tag: u32, mut is_same: impl FnMut(u32) -> bool) -> Find {
        let mut at = self.home(tag);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return Find::Vacant(at);
            }
            if (slot >> 32) as u32 == tag && is_same(slot as u32) {
                return Find::Position(slot as u32);
            }
            at = self.after(at);
        }
    }

    /// Puts a position into the slot that [`Table::find`] has just named.
    pub(super) fn fill(&mut self, vacant: usize, tag: u32, position: u32) {
        self.slots[vacant] = u64::from(tag) << 32 | u64::from(position);
        self.len += 1;
        if self.len * FULL_DEN > self.slots.len() * FULL_NUM {
            self.grow();
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }

    /// The upper bits of the tag, so that growing walks both tables in the same direction.
    fn home(&self, tag: u32) -> usize {
        (u64::from(tag) >> (32 - self.bits)) as usize
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// A shard's positions end long before its table would need more bits than a tag has.
    fn grow(&mut self) {
        self.bits += 1;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; 1 << self.bits]);
        for slot in old.into_iter().filter(|slot| *slot != EMPTY) {
            let mut at = self.home((slot >> 32) as u32);
            while self.slots[at] != EMPTY {
                at = self.after(at);
            }
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_filled_is_found_through_all_growth() {
        let tag = |i: u32| i.wrapping_mul(0x9e37_79b9) & !7;
        let mut table = Table::new();
        for i in 0..20_000 {
            let Find::Vacant(at) = table.find(tag(i), |p| p == i) else {
                unreachable!("{i} is not there yet");
            };
            table.fill(at, tag(i), i);
        }
        for i in 0..20_000 {
            assert_eq!(table.find(tag(i), |p| p == i), Find::Position(i));
        }
        assert!(table.slots.len() <= 20_000 * 4);
    }
}
