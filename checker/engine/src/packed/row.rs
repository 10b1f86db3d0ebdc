//! What the phases of a slice hand to each other: candidates, and what became of them.
//!
//! Never here: a phase.

use super::counts::Tally;
use super::pack::{Kind, Steps, Words};
use super::store::{Place, SHARDS, StateId};
use super::trace::Broke;

/// The most states one row can expand, since a candidate's parent is told by its offset.
pub(super) const PARENTS_MAX: usize = 1 << u16::BITS;

/// A candidate in the list of a shard: 32 hash bits for the shard's table, and the position among
/// the row's candidates.
#[derive(Clone, Copy)]
pub(super) struct Entry(u64);

impl Entry {
    #[inline]
    pub(super) fn new(hash: u32, at: usize) -> Self {
        Self(u64::from(hash) << 32 | at as u64)
    }

    #[inline]
    pub(super) fn hash(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    pub(super) fn at(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Where a candidate comes from.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    /// The offset from the row's first parent.
    pub(super) parent: u16,
    pub(super) kind: Kind,
}

/// What one task yields; rows are kept and reused from slice to slice.
pub(super) struct Row<P> {
    /// The number of the first state that was expanded.
    pub(super) first: u32,
    /// Successors that were not met lately, in the order of a queue: the candidates.
    pub(super) states: Vec<P>,
    pub(super) origins: Vec<Origin>,
    /// For each of them the steps that sleep there; empty where the model knows of none.
    pub(super) asleep: Vec<Steps>,
    /// For each shard its candidates, in the same order.
    pub(super) lists: Vec<Vec<Entry>>,
    pub(super) tally: Tally,
    /// How many candidates there is memory for.
    pub(super) room: usize,
    /// Whether there were more.
    pub(super) overflowed: bool,
    /// Whether the run was left before the task was done.
    pub(super) unfinished: bool,
    pub(super) broke: Option<Broke>,
    /// What became of the candidates.
    pub(super) adopted: Adopted,
}

impl<P: Words> Row<P> {
    /// More candidates than this cannot be told apart.
    pub(super) const ROOM_MAX: usize = u32::MAX as usize;
    /// The most memory that one more candidate takes: a list that grows doubles, and for a moment
    /// holds both the old and the new one.
    pub(super) const CANDIDATE_BYTES: usize =
        3 * (size_of::<P>() + size_of::<Origin>() + size_of::<Entry>() + size_of::<Steps>());

    pub(super) fn new() -> Self {
        Self {
            first: 0,
            states: Vec::new(),
            origins: Vec::new(),
            asleep: Vec::new(),
            lists: (0..SHARDS).map(|_| Vec::new()).collect(),
            tally: Tally::default(),
            room: Self::ROOM_MAX,
            overflowed: false,
            unfinished: false,
            broke: None,
            adopted: Adopted::default(),
        }
    }

    pub(super) fn clear(&mut self, first: u32) {
        self.first = first;
        self.states.clear();
        self.origins.clear();
        self.asleep.clear();
        self.lists.iter_mut().for_each(Vec::clear);
        let Tally { generated, cut, deadlocks, first_deadlock, fired } = &mut self.tally;
        (*generated, *cut, *deadlocks, *first_deadlock) = (0, 0, 0, None);
        fired.iter_mut().for_each(|fired| *fired = 0);
        self.overflowed = false;
        self.unfinished = false;
        self.broke = None;
    }

    /// Adds a candidate, if there is room for it.
    #[inline]
    pub(super) fn push(&mut self, hash: u64, packed: &P, origin: Origin) -> bool {
        if self.states.len() >= self.room {
            self.overflowed = true;
            return false;
        }
        let Place { shard, hash } = Place::of(hash);
        self.lists[shard % SHARDS].push(Entry::new(hash, self.states.len()));
        self.states.push(*packed);
        self.origins.push(origin);
        true
    }

    pub(super) fn bytes(&self) -> usize {
        let lists: usize = self.lists.iter().map(Vec::capacity).sum();
        self.states.capacity() * size_of::<P>()
            + self.origins.capacity() * size_of::<Origin>()
            + self.asleep.capacity() * size_of::<Steps>()
            + lists * size_of::<Entry>()
            + self.adopted.bytes()
    }
}

/// What became of the candidates of a row.
#[derive(Default)]
pub(super) struct Adopted {
    /// For each candidate that is new, by position, its number.
    pub(super) ids: Vec<StateId>,
    /// One bit per candidate: whether it is new.
    pub(super) marks: Vec<u64>,
    pub(super) new_by_kind: Vec<u64>,
    /// For each new state, in order, the steps that sleep there, if the model knows of any.
    pub(super) asleep: Vec<Steps>,
    /// Properties, by position, with the first new state that settles them.
    pub(super) found: Vec<(usize, StateId)>,
    /// For each block of parents that has new states, the first of them.
    pub(super) first_children: Vec<(usize, StateId)>,
    /// Whether the run was left before every new state was checked.
    pub(super) unfinished: bool,
    pub(super) broke: Option<Broke>,
}

impl Adopted {
    pub(super) fn clear(&mut self, candidates: usize, kinds: usize) {
        let none = StateId::new(0);
        let missing = candidates.saturating_sub(self.ids.len());
        self.ids.reserve_exact(missing);
        self.ids.resize(self.ids.len() + missing, none);
        self.marks.clear();
        self.marks.resize(candidates.div_ceil(64), 0);
        self.new_by_kind.clear();
        self.new_by_kind.resize(kinds, 0);
        self.asleep.clear();
        self.found.clear();
        self.first_children.clear();
        self.unfinished = false;
        self.broke = None;
    }

    /// The memory in use once `candidates` were adopted.
    pub(super) fn bytes_for(&self, candidates: usize) -> usize {
        let ids = candidates.max(self.ids.capacity()) * size_of::<StateId>();
        let asleep = self.asleep.capacity() * size_of::<Steps>();
        asleep + ids + (candidates / 8).max(self.marks.capacity() * size_of::<u64>())
    }

    pub(super) fn bytes(&self) -> usize {
        let asleep = self.asleep.capacity() * size_of::<Steps>();
        let marks = self.marks.capacity() * size_of::<u64>();
        self.ids.capacity() * size_of::<StateId>() + marks + asleep
    }
}
