//! The protocol's containers as the validator instantiates them: of any size, and cheap to copy. They decide nothing.

use syncsplit_model::protocol::{BlockIndex, DirtyMap, Entry, Journal, ReorderQueue, Seq};

use super::content::Content;
use super::table::Table;

/// Entries by number: the journal, and the reorder queue.
#[derive(Clone, Debug)]
pub struct Entries {
    entries: Table<Seq, Entry<Content>>,
    capacity: usize,
}

impl Entries {
    /// None; `capacity` of them fit.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: Table::default(), capacity }
    }

    pub(super) const fn print(&self) -> u128 {
        self.entries.print()
    }

    /// The newest entry above `written` that changes `block`.
    pub(super) fn newest_for(&self, block: BlockIndex, written: Seq) -> Option<&Entry<Content>> {
        let newer = self.entries.iter().rev().take_while(|(seq, _)| **seq > written);
        newer.map(|(_, entry)| entry).find(|entry| entry.item.block() == Some(block))
    }
}

impl Journal<Content> for Entries {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.entries.len())
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn push(&mut self, entry: Entry<Content>) {
        self.entries.insert(entry.seq, entry);
    }

    fn get(&self, seq: Seq) -> Option<&Entry<Content>> {
        self.entries.get(&seq)
    }

    fn drop_through(&mut self, seq: Seq) {
        while let Some(first) = self.entries.first().copied().filter(|first| *first <= seq) {
            self.entries.remove(&first);
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<Content>>
    where
        Content: 'a,
    {
        self.entries.iter().map(|(_, entry)| entry)
    }
}

impl ReorderQueue<Content> for Entries {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }

    fn contains(&self, seq: Seq) -> bool {
        self.entries.contains(&seq)
    }

    fn insert(&mut self, entry: Entry<Content>) {
        self.entries.insert(entry.seq, entry);
    }

    fn take(&mut self, seq: Seq) -> Option<Entry<Content>> {
        self.entries.remove(&seq)
    }

    fn clear(&mut self) {
        self.entries.clear();
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<Content>>
    where
        Content: 'a,
    {
        self.entries.iter().map(|(_, entry)| entry)
    }
}

/// A dirty map: the dirty blocks.
#[derive(Clone, Debug)]
pub struct Dirty {
    dirty: Table<BlockIndex, ()>,
    blocks: u32,
}

impl Dirty {
    /// A clean map of `blocks` blocks.
    #[must_use]
    pub fn new(blocks: u32) -> Self {
        Self { dirty: Table::default(), blocks }
    }

    /// A map of `blocks` blocks in which those of `list` are dirty.
    pub(super) fn of(blocks: u32, list: &[BlockIndex]) -> Self {
        let mut map = Self::new(blocks);
        list.iter().for_each(|block| map.mark(*block));
        map
    }

    pub(super) const fn print(&self) -> u128 {
        self.dirty.print()
    }
}

impl DirtyMap for Dirty {
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
            self.dirty.insert(block, ());
        }
    }

    fn clean(&mut self, block: BlockIndex) {
        self.dirty.remove(&block);
    }

    fn mark_all(&mut self) {
        self.dirty = (0..self.blocks).map(|block| (BlockIndex(block), ())).collect();
    }

    fn clean_all(&mut self) {
        self.dirty.clear();
    }

    fn union(&mut self, other: &Self) {
        other.dirty.keys().for_each(|block| self.mark(*block));
    }

    fn next_dirty(&self, from: BlockIndex) -> Option<BlockIndex> {
        self.dirty.from(&from).map(|(block, ())| *block).next()
    }
}
