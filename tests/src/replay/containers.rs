//! The replay's own containers, as plain as the library's collections make them: a fault in the implementation's own
//! must not be repeated here. They hold digests and decide nothing.

use std::collections::{BTreeMap, BTreeSet};

use syncsplit_impl::trace::Digest;
use syncsplit_model::protocol::{BlockIndex, DirtyMap, Entry, Journal, ReorderQueue, Seq};

/// A journal: entries in the order in which they were numbered.
#[derive(Clone, Debug)]
pub struct EntryList {
    entries: Vec<Entry<Digest>>,
    capacity: usize,
}

impl EntryList {
    /// An empty journal that is full at `capacity` entries.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { entries: Vec::new(), capacity }
    }
}

impl Journal<Digest> for EntryList {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.entries.len())
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn push(&mut self, entry: Entry<Digest>) {
        self.entries.push(entry);
    }

    fn get(&self, seq: Seq) -> Option<&Entry<Digest>> {
        self.entries.iter().find(|entry| entry.seq == seq)
    }

    fn drop_through(&mut self, seq: Seq) {
        self.entries.retain(|entry| entry.seq > seq);
    }

    fn clear(&mut self) {
        self.entries.clear();
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<Digest>>
    where
        Digest: 'a,
    {
        self.entries.iter()
    }
}

/// A reorder queue: entries by number.
#[derive(Clone, Debug)]
pub struct EntryTree {
    entries: BTreeMap<Seq, Entry<Digest>>,
    capacity: usize,
}

impl EntryTree {
    /// An empty queue that is full at `capacity` entries.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), capacity }
    }
}

impl ReorderQueue<Digest> for EntryTree {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }

    fn contains(&self, seq: Seq) -> bool {
        self.entries.contains_key(&seq)
    }

    fn insert(&mut self, entry: Entry<Digest>) {
        self.entries.insert(entry.seq, entry);
    }

    fn take(&mut self, seq: Seq) -> Option<Entry<Digest>> {
        self.entries.remove(&seq)
    }

    fn clear(&mut self) {
        self.entries.clear();
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<Digest>>
    where
        Digest: 'a,
    {
        self.entries.values()
    }
}

/// A dirty map: the dirty blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockTree {
    dirty: BTreeSet<BlockIndex>,
    blocks: u32,
}

impl BlockTree {
    /// A clean map of `blocks` blocks.
    #[must_use]
    pub const fn new(blocks: u32) -> Self {
        Self { dirty: BTreeSet::new(), blocks }
    }

    /// A map of `blocks` blocks in which those of `list` are dirty.
    #[must_use]
    pub fn of(blocks: u32, list: &[BlockIndex]) -> Self {
        let mut map = Self::new(blocks);
        list.iter().for_each(|block| map.mark(*block));
        map
    }

    /// The dirty blocks, rising: how a trace shows a map.
    #[must_use]
    pub fn list(&self) -> Vec<BlockIndex> {
        self.dirty.iter().copied().collect()
    }
}

impl DirtyMap for BlockTree {
    fn blocks(&self) -> u32 {
        self.blocks
    }

    fn is_dirty(&self, block: BlockIndex) -> bool {
        self.dirty.contains(&block)
    }

    fn is_clean(&self) -> bool {
        self.dirty.is_empty()
    }

    fn mark(&mut self, block: BlockIndex) {
        if block.0 < self.blocks {
            self.dirty.insert(block);
        }
    }

    fn clean(&mut self, block: BlockIndex) {
        self.dirty.remove(&block);
    }

    fn mark_all(&mut self) {
        self.dirty = (0..self.blocks).map(BlockIndex).collect();
    }

    fn clean_all(&mut self) {
        self.dirty.clear();
    }

    fn union(&mut self, other: &Self) {
        other.dirty.iter().for_each(|block| self.mark(*block));
    }

    fn next_dirty(&self, from: BlockIndex) -> Option<BlockIndex> {
        self.dirty.range(from..).next().copied()
    }
}
