//! What the implementation instantiates the protocol's containers with: heap-backed, sized at run time. Containers
//! hold; no rule of the protocol lives here.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Serialize, Serializer};
use syncsplit_model::protocol::{BlockIndex, DirtyMap, Entry, Journal, ReorderQueue, Seq};

use crate::payload::Payload;

/// The primary's journal in memory (FIFO 107, \[0016\]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VecJournal {
    /// Invariant: rising seq. The protocol keeps them contiguous, which makes [`Journal::get`] one look.
    entries: VecDeque<Entry<Payload>>,
    capacity: usize,
}

impl VecJournal {
    /// An empty journal that is full at `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), capacity }
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries make it full.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Where the entry numbered `seq` stands, if held.
    fn position(&self, seq: Seq) -> Option<usize> {
        let first = self.entries.front()?.seq;
        let guess = usize::try_from(seq.0.checked_sub(first.0)?).ok()?;
        if self.entries.get(guess).is_some_and(|entry| entry.seq == seq) {
            return Some(guess);
        }
        self.entries.binary_search_by_key(&seq, |entry| entry.seq).ok()
    }
}

impl Journal<Payload> for VecJournal {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.entries.len())
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Holds the entry even in a full journal: losing a write is worse than a queue that is longer than asked for
    /// (WRITE-4).
    fn push(&mut self, entry: Entry<Payload>) {
        debug_assert!(self.entries.back().is_none_or(|last| last.seq < entry.seq), "seq rises");
        self.entries.push_back(entry);
    }

    fn get(&self, seq: Seq) -> Option<&Entry<Payload>> {
        self.entries.get(self.position(seq)?)
    }

    fn drop_through(&mut self, seq: Seq) {
        while self.entries.front().is_some_and(|entry| entry.seq <= seq) {
            self.entries.pop_front();
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<Payload>>
    where
        Payload: 'a,
    {
        self.entries.iter()
    }
}

/// The secondary's reorder queue in memory (FIFO 108, \[0016\]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TreeQueue {
    entries: BTreeMap<Seq, Entry<Payload>>,
    capacity: usize,
}

impl TreeQueue {
    /// An empty queue that is full at `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), capacity }
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries make it full.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl ReorderQueue<Payload> for TreeQueue {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }

    fn contains(&self, seq: Seq) -> bool {
        self.entries.contains_key(&seq)
    }

    fn insert(&mut self, entry: Entry<Payload>) {
        self.entries.insert(entry.seq, entry);
    }

    fn take(&mut self, seq: Seq) -> Option<Entry<Payload>> {
        self.entries.remove(&seq)
    }

    fn clear(&mut self) {
        self.entries.clear();
    }

    fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Entry<Payload>>
    where
        Payload: 'a,
    {
        self.entries.values()
    }
}

/// A dirty map of any number of blocks, one bit a block (BITMAP 111 and 112, \[0015\]).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BitMap {
    /// Bit `b % 64` of word `b / 64` is block `b`'s. Invariant: as many words as `blocks` needs, and no bit at or
    /// above `blocks` is set, so that equal maps are equal values.
    words: Vec<u64>,
    blocks: u32,
}

const WORD_BITS: u32 = u64::BITS;

impl BitMap {
    /// A clean map of `blocks` blocks.
    #[must_use]
    pub fn new(blocks: u32) -> Self {
        Self { words: vec![0; blocks.div_ceil(WORD_BITS) as usize], blocks }
    }

    /// The dirty blocks, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = BlockIndex> {
        let after = |block: &BlockIndex| self.next_dirty(BlockIndex(block.0.checked_add(1)?));
        std::iter::successors(self.next_dirty(BlockIndex(0)), after)
    }

    /// How many blocks are dirty.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// How many bytes [`BitMap::to_bytes`] makes of a map of `blocks` blocks.
    #[must_use]
    pub const fn byte_len(blocks: u32) -> usize {
        blocks.div_ceil(u8::BITS) as usize
    }

    /// The map as bytes: bit `b % 8` of byte `b / 8` is block `b`'s. The number of blocks is not among them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(Self::byte_len(self.blocks));
        bytes
    }

    /// The map of `blocks` blocks that [`BitMap::to_bytes`] made `bytes` of.
    ///
    /// # Errors
    /// The number of bytes is not that of `blocks` blocks, or a bit is set for a block the map does not cover.
    pub fn from_bytes(blocks: u32, bytes: &[u8]) -> Result<Self, BitMapError> {
        let want = Self::byte_len(blocks);
        if bytes.len() != want {
            return Err(BitMapError::WrongLength { got: bytes.len(), want, blocks });
        }
        let word = |chunk: &[u8]| {
            chunk.iter().rev().fold(0_u64, |word, byte| word << u8::BITS | u64::from(*byte))
        };
        let mut map = Self { words: bytes.chunks(8).map(word).collect(), blocks };
        let before = map.count();
        map.trim();
        if map.count() != before {
            return Err(BitMapError::StrayBit { blocks });
        }
        Ok(map)
    }

    /// The word that holds `block`'s bit, and the bit; nothing for a block the map does not cover.
    fn word_mut(&mut self, block: BlockIndex) -> Option<(&mut u64, u64)> {
        let covered = block.0 < self.blocks;
        let word = self.words.get_mut((block.0 / WORD_BITS) as usize)?;
        covered.then_some((word, 1 << (block.0 % WORD_BITS)))
    }

    /// Clears the bits above the last block.
    fn trim(&mut self) {
        let used = self.blocks % WORD_BITS;
        if let Some(last) = self.words.last_mut().filter(|_| used != 0) {
            *last &= (1 << used) - 1;
        }
    }
}

impl DirtyMap for BitMap {
    fn blocks(&self) -> u32 {
        self.blocks
    }

    fn is_dirty(&self, block: BlockIndex) -> bool {
        let word = self.words.get((block.0 / WORD_BITS) as usize);
        word.is_some_and(|word| word >> (block.0 % WORD_BITS) & 1 == 1)
    }

    fn is_clean(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    fn mark(&mut self, block: BlockIndex) {
        if let Some((word, bit)) = self.word_mut(block) {
            *word |= bit;
        }
    }

    fn clean(&mut self, block: BlockIndex) {
        if let Some((word, bit)) = self.word_mut(block) {
            *word &= !bit;
        }
    }

    fn mark_all(&mut self) {
        self.words.fill(u64::MAX);
        self.trim();
    }

    fn clean_all(&mut self) {
        self.words.fill(0);
    }

    fn union(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
        self.trim();
    }

    fn next_dirty(&self, from: BlockIndex) -> Option<BlockIndex> {
        let first = from.0 / WORD_BITS;
        let mut below = (1_u64 << (from.0 % WORD_BITS)) - 1;
        for (index, word) in (first..).zip(self.words.get(first as usize..)?) {
            let rest = word & !below;
            if rest != 0 {
                return Some(BlockIndex(index * WORD_BITS + rest.trailing_zeros()));
            }
            below = 0;
        }
        None
    }
}

/// The dirty blocks by number, and how many the map covers.
impl fmt::Debug for BitMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|block| block.0)).finish()?;
        write!(f, " of {}", self.blocks)
    }
}

/// As the list of dirty block numbers; a trace names the number of blocks once, at its head.
impl Serialize for BitMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|block| block.0))
    }
}

/// Why bytes are no dirty map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BitMapError {
    /// Too few or too many bytes for the number of blocks.
    #[error("a dirty map of {blocks} blocks is {want} bytes, not {got}")]
    WrongLength {
        /// How many bytes there were.
        got: usize,
        /// How many bytes there should be.
        want: usize,
        /// How many blocks the map was said to cover.
        blocks: u32,
    },
    /// A bit stands for a block that the map does not cover.
    #[error(
        "a dirty map of {blocks} blocks has a bit set at or above block {blocks}; those bits are zero"
    )]
    StrayBit {
        /// How many blocks the map was said to cover.
        blocks: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use syncsplit_model::protocol::Item;

    fn entry(seq: u64) -> Entry<Payload> {
        let item = Item::Write { block: BlockIndex(0), payload: Payload::from(vec![seq as u8]) };
        Entry { seq: Seq(seq), item }
    }

    #[test]
    fn journal_finds_each_entry_by_its_seq() {
        let mut journal = VecJournal::new(3);
        assert!(journal.get(Seq(5)).is_none());
        [5, 6, 7].into_iter().for_each(|seq| journal.push(entry(seq)));
        assert!(journal.is_full());
        journal.drop_through(Seq(5));
        assert_eq!((journal.is_full(), journal.room()), (false, 1));
        let found: Vec<_> =
            (4..=8).map(|seq| journal.get(Seq(seq)).map(|entry| entry.seq.0)).collect();
        assert_eq!(found, [None, None, Some(6), Some(7), None]);
        journal.drop_through(Seq(u64::MAX));
        assert!(journal.is_empty());
    }

    #[test]
    fn journal_finds_entries_across_a_gap() {
        let mut journal = VecJournal::new(3);
        [1, 4, 9].into_iter().for_each(|seq| journal.push(entry(seq)));
        let held: Vec<_> = (0..=10).filter(|seq| journal.get(Seq(*seq)).is_some()).collect();
        assert_eq!(held, [1, 4, 9]);
    }

    #[test]
    fn full_journal_still_holds_what_is_pushed() {
        let mut journal = VecJournal::new(1);
        [1, 2].into_iter().for_each(|seq| journal.push(entry(seq)));
        assert_eq!((journal.len(), journal.room()), (2, 0));
    }

    #[test]
    fn queue_hands_out_each_entry_once_and_in_any_order() {
        let mut queue = TreeQueue::new(2);
        [9, 3].into_iter().for_each(|seq| queue.insert(entry(seq)));
        assert!(queue.is_full());
        assert_eq!(queue.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(queue.take(Seq(9)), Some(entry(9)));
        assert_eq!(queue.take(Seq(9)), None);
        assert!(queue.contains(Seq(3)) && !queue.contains(Seq(9)) && !queue.is_full());
    }

    #[test]
    fn blocks_outside_the_map_change_nothing() {
        let mut map = BitMap::new(65);
        [65, 66, 128, u32::MAX].into_iter().for_each(|block| map.mark(BlockIndex(block)));
        assert!(map.is_clean());
        assert_eq!(map.next_dirty(BlockIndex(u32::MAX)), None);
    }

    #[test]
    fn bytes_that_are_no_map_are_refused() {
        let short = BitMapError::WrongLength { got: 1, want: 2, blocks: 9 };
        assert_eq!(BitMap::from_bytes(9, &[0]), Err(short));
        assert_eq!(BitMap::from_bytes(9, &[0, 2]), Err(BitMapError::StrayBit { blocks: 9 }));
        assert_eq!(format!("{:?}", BitMap::from_bytes(9, &[5, 1])), "Ok({0, 2, 8} of 9)");
    }

    #[test]
    fn traces_list_the_dirty_blocks() -> Result<(), serde_json::Error> {
        let mut map = BitMap::new(200);
        [199, 0, 64].into_iter().for_each(|block| map.mark(BlockIndex(block)));
        assert_eq!(serde_json::to_string(&map)?, "[0,64,199]");
        Ok(())
    }

    #[derive(Clone, Debug)]
    enum Op {
        Mark(u32),
        Clean(u32),
        MarkAll,
        CleanAll,
        Union(Vec<u32>),
    }

    fn ops(blocks: u32) -> impl Strategy<Value = Vec<Op>> {
        let one = prop_oneof![
            8 => (0..blocks + 2).prop_map(Op::Mark),
            8 => (0..blocks + 2).prop_map(Op::Clean),
            1 => Just(Op::MarkAll),
            1 => Just(Op::CleanAll),
            2 => proptest::collection::vec(0..blocks, 0..4).prop_map(Op::Union),
        ];
        proptest::collection::vec(one, 0..40)
    }

    proptest! {
        /// A map is the set of its dirty blocks, through every operation and through bytes.
        #[test]
        fn map_behaves_as_a_set(
            (blocks, ops) in (1_u32..200).prop_flat_map(|blocks| (Just(blocks), ops(blocks))),
        ) {
            let mut map = BitMap::new(blocks);
            let mut set = BTreeSet::new();
            for op in ops {
                match op {
                    Op::Mark(block) => {
                        map.mark(BlockIndex(block));
                        set.extend((block < blocks).then_some(block));
                    }
                    Op::Clean(block) => {
                        map.clean(BlockIndex(block));
                        set.remove(&block);
                    }
                    Op::MarkAll => {
                        map.mark_all();
                        set.extend(0..blocks);
                    }
                    Op::CleanAll => {
                        map.clean_all();
                        set.clear();
                    }
                    Op::Union(more) => {
                        let mut other = BitMap::new(blocks);
                        more.iter().for_each(|block| other.mark(BlockIndex(*block)));
                        map.union(&other);
                        set.extend(more);
                    }
                }
                prop_assert!(map.iter().map(|block| block.0).eq(set.iter().copied()));
                prop_assert!((0..blocks + 2).all(|block| map.is_dirty(BlockIndex(block)) == set.contains(&block)));
                prop_assert_eq!(map.is_clean(), set.is_empty());
                prop_assert_eq!(map.count() as usize, set.len());
                prop_assert_eq!(BitMap::from_bytes(blocks, &map.to_bytes()), Ok(map.clone()));
            }
        }
    }
}
