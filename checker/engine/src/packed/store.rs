//! The visited set: packed states in the order in which a queue would hold them, each with the
//! state it was first reached from.
//!
//! With fingerprints a state itself is kept only until it was expanded.
//!
//! Never here: an action. Which action led from a state to the next is found again by taking the
//! parent's actions.

use super::arena::Arena;
use super::layout::Layout;
use super::pack::Words;
use super::prints::{Keys, PRINT};
use super::table::{Find, NUMBER_MAX, Table};
use crate::Store;
use serde::{Deserialize, Serialize};

/// The set is cut by hash into this many parts, each written by one thread at a time. Nothing
/// that a run tells depends on it.
pub(super) const SHARDS: usize = 64;

/// Parents that share a mark. Within them a parent is told by one byte.
const BLOCK: u32 = 256;

/// The number of a state: its position in the queue of a plain breadth-first search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateId(u32);

impl StateId {
    /// The largest number; a run that needs more ends with
    /// [`Limit::Ids`](crate::Limit::Ids).
    pub const MAX: Self = Self(NUMBER_MAX);

    /// The state at this position.
    #[must_use]
    pub const fn new(position: u32) -> Self {
        Self(position)
    }

    /// The position.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The position, as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Which of its block's members this is.
    pub(super) fn in_block(self) -> u8 {
        (self.0 % BLOCK) as u8
    }

    pub(super) fn block(self) -> usize {
        (self.0 / BLOCK) as usize
    }
}

/// What a hash says about a place: the shard, and 32 bits for its table.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) shard: usize,
    pub(super) hash: u32,
}

impl Place {
    /// The bits of shard and table do not overlap.
    #[inline]
    pub(super) fn of(hash: u64) -> Self {
        let shard_bits = SHARDS.ilog2();
        let shard = (hash >> (u64::BITS - shard_bits)) as usize;
        Self { shard, hash: (hash >> (u32::BITS - shard_bits)) as u32 }
    }
}

/// The room for the new states of one row.
pub(super) struct Dest<'a> {
    /// The number of the first one.
    pub(super) first: StateId,
    pub(super) states: Vec<&'a mut [u8]>,
    pub(super) parents: Vec<&'a mut [u8]>,
    /// None where no fingerprints are kept.
    pub(super) prints: Vec<&'a mut [u8]>,
}

/// The states themselves; how they are found is for the shards.
pub(super) struct Known<P> {
    pub(super) layout: Layout<P>,
    pub(super) len: u32,
    /// The states of the numbers from `kept_from` on.
    pub(super) states: Arena,
    kept_from: u32,
    /// With fingerprints: what they are made with, and each by number.
    pub(super) keys: Option<Keys>,
    prints: Arena,
    /// One byte per state: its parent's position in its block.
    pub(super) parents: Arena,
    /// For each block of parents, the first state that has a parent there or in a later block.
    pub(super) first_children: Vec<u32>,
    /// Initial states; they come first and have no parent.
    pub(super) roots: u32,
}

impl<P: Words> Known<P> {
    pub(super) fn new(layout: Layout<P>, store: Store) -> Self {
        let keys = match store {
            Store::Exact => None,
            Store::Fingerprint { seed } => Some(Keys::new(P::ZERO.words().len(), seed)),
        };
        Self {
            layout,
            kept_from: 0,
            keys,
            prints: Arena::new(PRINT, PRINT),
            len: 0,
            states: Arena::new(layout.stride(), layout.span()),
            parents: Arena::new(1, 1),
            first_children: Vec::new(),
            roots: 0,
        }
    }

    #[inline]
    pub(super) fn state(&self, id: StateId) -> P {
        self.layout.load(self.states.get((id.0 - self.kept_from) as usize))
    }

    /// Whether the state of this number, which must have one, is `packed`, or is taken for it.
    #[inline]
    pub(super) fn is(&self, number: u32, packed: &P) -> bool {
        match &self.keys {
            None => self.layout.is_same(self.states.get(number as usize), packed),
            Some(keys) => self.print(number) == keys.of(packed),
        }
    }

    /// The hash by which a state is found.
    #[inline]
    pub(super) fn hash(&self, packed: &P) -> u64 {
        self.keys.as_ref().map_or_else(|| self.layout.hash(packed), |keys| keys.of(packed))
    }

    /// The hash of the state of this number.
    #[inline]
    pub(super) fn hash_of(&self, number: u32) -> u64 {
        if self.keys.is_some() {
            return self.print(number);
        }
        self.layout.hash(&self.state(StateId(number)))
    }

    fn print(&self, number: u32) -> u64 {
        self.prints.get(number as usize).try_into().map_or(0, u64::from_le_bytes)
    }

    /// Makes room behind the last state for as many new ones as each of some rows has, and hands
    /// it out row by row.
    pub(super) fn room_for(&mut self, news: &[usize]) -> Vec<Dest<'_>> {
        let len = self.len as usize;
        let kept = len - self.kept_from as usize;
        let more: usize = news.iter().sum();
        self.states.make_room(kept + more);
        self.parents.make_room(len + more);
        let states = self.states.pieces(kept, news.iter().copied());
        let parents = self.parents.pieces(len, news.iter().copied());
        let mut prints = Vec::new();
        if self.keys.is_some() {
            self.prints.make_room(len + more);
            prints = self.prints.pieces(len, news.iter().copied());
        }
        prints.resize_with(news.len(), Vec::new);
        let mut first = self.len;
        let rows = states.into_iter().zip(parents).zip(prints).zip(news);
        rows.map(|(((states, parents), prints), new)| {
            let dest = Dest { first: StateId(first), states, parents, prints };
            first += *new as u32;
            dest
        })
        .collect()
    }

    /// The states before this number are expanded. Where their fingerprints are kept, no more is.
    pub(super) fn leave_behind(&mut self, number: u32) {
        if self.keys.is_some() {
            let done = number.saturating_sub(self.kept_from) as usize;
            self.kept_from += self.states.give_up(done) as u32;
        }
    }

    /// The state that `id` was first reached from; an initial state has none.
    pub(super) fn parent(&self, id: StateId) -> Option<StateId> {
        if id.0 < self.roots {
            return None;
        }
        let block = self.first_children.partition_point(|first| *first <= id.0).checked_sub(1)?;
        let within = self.parents.get(id.index()).first()?;
        Some(StateId(u32::try_from(block).ok()? * BLOCK + u32::from(*within)))
    }

    /// Notes that `first` is the first state with a parent in `block`.
    pub(super) fn mark_block(&mut self, block: usize, first: StateId) {
        while self.first_children.len() <= block {
            self.first_children.push(first.0);
        }
    }

    /// All states so far are initial ones.
    pub(super) fn mark_roots(&mut self) {
        self.roots = self.len;
    }

    /// Whether every state but the initial ones has a parent that comes before it, so that every
    /// way back ends. A search sees to that; of what was read from a file it has to be asked.
    pub(super) fn leads_back(&self) -> bool {
        let mut blocks = 0;
        self.first_children.is_sorted()
            && (self.roots..self.len).all(|id| {
                let begins = |first: &u32| *first <= id;
                while self.first_children.get(blocks).is_some_and(begins) {
                    blocks += 1;
                }
                let block = u64::try_from(blocks).unwrap_or(0).checked_sub(1);
                let within = self.parents.get(id as usize).first();
                block.zip(within).is_some_and(|(block, within)| {
                    block * u64::from(BLOCK) + u64::from(*within) < u64::from(id)
                })
            })
    }

    /// The memory in use once there is room for `len` states.
    pub(super) fn bytes_for(&self, len: usize) -> usize {
        let (marks, most) = (self.first_children.capacity(), len.div_ceil(BLOCK as usize));
        // A list that grows doubles, and for a moment holds both the old and the new one.
        let marks = if most > marks { marks + 2 * most.max(marks) } else { marks };
        let prints = if self.keys.is_some() { self.prints.bytes_for(len) } else { 0 };
        let kept = len.saturating_sub(self.kept_from as usize);
        let states = self.states.bytes_for(kept) + self.parents.bytes_for(len);
        states + prints + marks * size_of::<u32>()
    }
}

/// The states of a search, by number and by content.
pub struct States<P> {
    pub(super) known: Known<P>,
    pub(super) table: Table,
}

impl<P: Words> States<P> {
    pub(super) fn new(layout: Layout<P>, store: Store) -> Self {
        Self { known: Known::new(layout, store), table: Table::new(SHARDS) }
    }

    /// How many states there are. Their numbers are those below.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.known.len
    }

    /// Whether the model has no state at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many states are initial ones. They have the first numbers.
    #[must_use]
    pub fn roots(&self) -> u32 {
        self.known.roots
    }

    /// The numbers of all states, in the order of a queue: level by level, and within a level in
    /// the order of their parents and of their parents' actions.
    pub fn ids(&self) -> impl Iterator<Item = StateId> + use<P> {
        (0..self.len()).map(StateId)
    }

    /// The state of this number, unless only its fingerprint is kept.
    #[must_use]
    pub fn state(&self, id: StateId) -> Option<P> {
        (self.known.kept_from..self.len()).contains(&id.0).then(|| self.known.state(id))
    }

    /// The number of this state.
    #[must_use]
    pub fn find(&self, packed: &P) -> Option<StateId> {
        if !self.known.layout.has_room_for(packed) {
            return None;
        }
        let place = Place::of(self.known.hash(packed));
        let part = self.table.part(place.shard);
        // A slice that was left half done has numbers in the table that do not count.
        let is_same = |number| number < self.len() && self.known.is(number, packed);
        match part.find(place.hash, is_same) {
            Find::Number(number) => Some(StateId(number)),
            Find::Vacant(_) => None,
        }
    }

    /// The state that this one was first reached from: one of the level before. An initial state
    /// has none.
    #[must_use]
    pub fn parent(&self, id: StateId) -> Option<StateId> {
        if id.0 < self.len() { self.known.parent(id) } else { None }
    }

    /// The engine's own memory.
    pub(crate) fn bytes(&self) -> usize {
        self.known.bytes_for(0) + self.table.bytes()
    }
}
