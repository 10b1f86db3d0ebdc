//! What the protocol asks of its containers, so that the checker can use small `Copy` arrays and an implementation
//! large or disk-backed ones. Containers hold; they decide nothing.

use super::message::Entry;
use super::types::{BlockIndex, Seq};

/// The primary's queue of sequenced entries not yet known to be written remotely (FIFO 107, \[0016\]).
///
/// Shape: entries in rising order of seq.
pub trait Journal<P> {
    /// How many more entries fit.
    fn room(&self) -> usize;
    /// Whether one more entry would not fit.
    fn is_full(&self) -> bool {
        self.room() == 0
    }
    /// Whether it holds nothing.
    fn is_empty(&self) -> bool;
    /// Appends an entry; its seq is above all held. The caller has asked [`Journal::is_full`].
    fn push(&mut self, entry: Entry<P>);
    /// The entry numbered `seq`, if held.
    fn get(&self, seq: Seq) -> Option<&Entry<P>>;
    /// Removes every entry with a number up to and including `seq`.
    fn drop_through(&mut self, seq: Seq);
    /// Removes every entry.
    fn clear(&mut self);
    /// The entries, oldest first.
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<P>>
    where
        P: 'a;
}

/// The secondary's entries that arrived ahead of their turn (FIFO 108, \[0016\]).
///
/// Shape: at most one entry for a seq.
pub trait ReorderQueue<P> {
    /// Whether one more entry would not fit.
    fn is_full(&self) -> bool;
    /// Whether an entry numbered `seq` is held.
    fn contains(&self, seq: Seq) -> bool;
    /// Adds an entry whose seq is not held. The caller has asked [`ReorderQueue::is_full`], but for the entry whose turn
    /// it is: that one fits on top of a full queue.
    fn insert(&mut self, entry: Entry<P>);
    /// Takes out the entry numbered `seq`.
    fn take(&mut self, seq: Seq) -> Option<Entry<P>>;
    /// Removes every entry.
    fn clear(&mut self);
    /// The entries, in any order.
    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<P>>
    where
        P: 'a;
}

/// Blocks whose contents may differ between two volumes (BITMAP 111 and 112, \[0015\]).
pub trait DirtyMap {
    /// How many blocks the map covers; block indices are below it.
    fn blocks(&self) -> u32;
    /// Whether `block` may differ.
    fn is_dirty(&self, block: BlockIndex) -> bool;
    /// Whether no block may differ.
    fn is_clean(&self) -> bool;
    /// Notes that `block` may differ.
    fn mark(&mut self, block: BlockIndex);
    /// Notes that `block` is equal, or will be by what has been queued.
    fn clean(&mut self, block: BlockIndex);
    /// Marks every block.
    fn mark_all(&mut self);
    /// Cleans every block.
    fn clean_all(&mut self);
    /// Marks every block that `other`, a map of as many blocks, has marked.
    fn union(&mut self, other: &Self);
    /// The lowest dirty block at or above `from`.
    fn next_dirty(&self, from: BlockIndex) -> Option<BlockIndex>;
}
