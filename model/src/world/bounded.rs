//! Containers of fixed size, all `Copy`: what the checker instantiates the protocol with, so that a transition
//! allocates nothing. Their capacity is a field, so that one type serves every instance.

use crate::protocol::containers::{DirtyMap, Journal, ReorderQueue};
use crate::protocol::message::Entry;
use crate::protocol::types::{BlockIndex, Seq};

/// Up to `N` entries in rising order of seq; serves as journal and as reorder queue.
///
/// Shape: the first `len` slots are taken, in order; the rest are `None`, so that equal contents are equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BoundedQueue<P, const N: usize> {
    slots: [Option<Entry<P>>; N],
    capacity: usize,
}

impl<P: Copy, const N: usize> BoundedQueue<P, N> {
    /// An empty queue that is full at `capacity` entries, at most `N`.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { slots: [None; N], capacity: capacity.min(N) }
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.first().is_none_or(Option::is_none)
    }

    /// The entries in rising order of seq.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<P>> {
        self.slots.iter().flatten()
    }

    /// The entries in rising order of seq, to be renumbered by a map that keeps the order.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry<P>> {
        self.slots.iter_mut().flatten()
    }

    /// Keeps the entries that `keep` is true for.
    pub fn retain(&mut self, keep: impl Fn(&Entry<P>) -> bool) {
        let mut kept = 0;
        for from in 0..N {
            let Some(entry) = self.slots[from].take() else { break };
            if keep(&entry) {
                self.slots[kept] = Some(entry);
                kept += 1;
            }
        }
    }

    /// Adds an entry in its place; nothing happens when no slot is free.
    fn insert_sorted(&mut self, entry: Entry<P>) {
        let len = self.len();
        if len >= N {
            return;
        }
        let mut at = len;
        while at > 0 && self.slots[at - 1].is_some_and(|before| before.seq > entry.seq) {
            self.slots[at] = self.slots[at - 1];
            at -= 1;
        }
        self.slots[at] = Some(entry);
    }
}

impl<P: Copy, const N: usize> Journal<P> for BoundedQueue<P, N> {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.len())
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }

    fn push(&mut self, entry: Entry<P>) {
        self.insert_sorted(entry);
    }

    fn get(&self, seq: Seq) -> Option<&Entry<P>> {
        self.entries().find(|entry| entry.seq == seq)
    }

    fn drop_through(&mut self, seq: Seq) {
        self.retain(|entry| entry.seq > seq);
    }

    fn clear(&mut self) {
        self.slots = [None; N];
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<P>>
    where
        P: 'a,
    {
        self.entries()
    }
}

impl<P: Copy, const N: usize> ReorderQueue<P> for BoundedQueue<P, N> {
    fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    fn contains(&self, seq: Seq) -> bool {
        self.entries().any(|entry| entry.seq == seq)
    }

    fn insert(&mut self, entry: Entry<P>) {
        self.insert_sorted(entry);
    }

    fn take(&mut self, seq: Seq) -> Option<Entry<P>> {
        let taken = self.entries().find(|entry| entry.seq == seq).copied();
        self.retain(|entry| entry.seq != seq);
        taken
    }

    fn clear(&mut self) {
        self.slots = [None; N];
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<P>>
    where
        P: 'a,
    {
        self.entries()
    }
}

/// A dirty map of up to 32 blocks in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
pub struct BlockSet {
    bits: u32,
    blocks: u32,
}

impl BlockSet {
    /// The most blocks one set can cover.
    pub const BLOCKS_MAX: u32 = u32::BITS;

    /// A clean map of `blocks` blocks, at most [`BlockSet::BLOCKS_MAX`].
    #[must_use]
    pub fn new(blocks: u32) -> Self {
        Self { bits: 0, blocks: blocks.min(Self::BLOCKS_MAX) }
    }

    /// The map of `blocks` blocks in which the blocks of `bits` are dirty, block 0 being the lowest bit.
    #[must_use]
    pub fn of_bits(blocks: u32, bits: u32) -> Self {
        let mut all = Self::new(blocks);
        all.mark_all();
        Self { bits: bits & all.bits, ..all }
    }

    /// The dirty blocks as bits, block 0 being the lowest.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// The dirty blocks in rising order.
    pub fn iter(&self) -> impl Iterator<Item = BlockIndex> {
        let set = *self;
        (0..set.blocks).map(BlockIndex).filter(move |block| set.is_dirty(*block))
    }

    fn bit(&self, block: BlockIndex) -> u32 {
        if block.0 < self.blocks { 1 << block.0 } else { 0 }
    }
}

impl DirtyMap for BlockSet {
    fn blocks(&self) -> u32 {
        self.blocks
    }

    fn is_dirty(&self, block: BlockIndex) -> bool {
        self.bits & self.bit(block) != 0
    }

    fn is_clean(&self) -> bool {
        self.bits == 0
    }

    fn mark(&mut self, block: BlockIndex) {
        self.bits |= self.bit(block);
    }

    fn clean(&mut self, block: BlockIndex) {
        self.bits &= !self.bit(block);
    }

    fn mark_all(&mut self) {
        self.bits = if self.blocks == 32 { u32::MAX } else { (1 << self.blocks) - 1 };
    }

    fn clean_all(&mut self) {
        self.bits = 0;
    }

    fn union(&mut self, other: &Self) {
        self.bits |= other.bits;
    }

    fn next_dirty(&self, from: BlockIndex) -> Option<BlockIndex> {
        (from.0..self.blocks).map(BlockIndex).find(|block| self.is_dirty(*block))
    }
}
