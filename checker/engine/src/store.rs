//! The visited set: whole states, each stored once, with the way it was first reached.
//!
//! Never here: fingerprints in place of states. A hash only says where to look; two states are
//! the same when they compare equal.

use super::table::{Find, Table};
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hash};

const SHARD_BITS: u32 = 6;
/// The set is cut by hash into this many parts, each written by one thread at a time. The number
/// is fixed because the numbering of the states, and with it the choice of traces, depends on it.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
/// The largest position in a shard; one less than what fits, to keep [`StateId::NONE`] apart.
const LOCAL_MAX: u32 = (u32::MAX >> SHARD_BITS) - 1;
/// Fixed, so that every run on every machine numbers states alike.
const SEED: u64 = 0x5eed_0f5a_7e5e_a2c4;

/// The number of a stored state: its shard and its position there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct StateId(u32);

impl StateId {
    /// The parent of an initial state.
    pub(super) const NONE: Self = Self(u32::MAX);

    /// `None` when the shard has no number left.
    pub(super) fn new(shard: usize, local: usize) -> Option<Self> {
        let local = u32::try_from(local).ok().filter(|local| *local <= LOCAL_MAX)?;
        Some(Self(local << SHARD_BITS | (shard % SHARDS) as u32))
    }

    pub(super) fn shard(self) -> usize {
        self.0 as usize % SHARDS
    }

    pub(super) fn local(self) -> usize {
        (self.0 >> SHARD_BITS) as usize
    }
}

/// How a state was first reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Link {
    /// The state it was reached from, or [`StateId::NONE`].
    pub(super) parent: StateId,
    /// The position of the action in the parent's list, or of an initial state in the model's.
    pub(super) action: u32,
}

/// Where a state belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) shard: usize,
    /// Hash bits that are independent of the shard; what its table goes by.
    pub(super) tag: u32,
}

/// Gives every state its place.
#[derive(Clone)]
pub(super) struct Placer(FixedState);

impl Placer {
    pub(super) fn new() -> Self {
        Self(FixedState::with_seed(SEED))
    }

    pub(super) fn place<S: Hash>(&self, state: &S) -> Place {
        let hash = self.0.hash_one(state);
        Place { shard: hash as usize % SHARDS, tag: (hash >> 32) as u32 }
    }
}

/// A list that grows without moving what it holds: no spike of memory, no copying of states.
struct Segments<T> {
    segments: Vec<Vec<T>>,
}

const SEGMENT_BITS: u32 = 10;
const SEGMENT: usize = 1 << SEGMENT_BITS;

impl<T> Segments<T> {
    fn get(&self, index: usize) -> Option<&T> {
        self.segments.get(index >> SEGMENT_BITS)?.get(index % SEGMENT)
    }

    fn push(&mut self, value: T) {
        match self.segments.last_mut() {
            Some(last) if last.len() < SEGMENT => last.push(value),
            _ => {
                let mut fresh = Vec::with_capacity(SEGMENT);
                fresh.push(value);
                self.segments.push(fresh);
            }
        }
    }

    fn bytes(&self) -> usize {
        self.segments.len() * (SEGMENT * size_of::<T>() + size_of::<Vec<T>>())
    }
}

/// One part of the visited set.
pub(super) struct Shard<S> {
    number: usize,
    table: Table,
    states: Segments<S>,
    links: Segments<Link>,
    len: usize,
}

/// What became of a state offered to a shard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Inserted {
    New(StateId),
    Known,
    /// There is no number left for it.
    Full,
}

impl<S: Eq> Shard<S> {
    fn new(number: usize) -> Self {
        Self {
            number,
            table: Table::new(),
            states: Segments { segments: Vec::new() },
            links: Segments { segments: Vec::new() },
            len: 0,
        }
    }

    /// A position that may hold a state with this tag; `None` if there is surely no such state.
    pub(super) fn hint(&self, tag: u32) -> Option<u32> {
        match self.table.find(tag, |_| true) {
            Find::Position(local) => Some(local),
            Find::Vacant(_) => None,
        }
    }

    /// Whether the state is here. The hint is the first place to look.
    pub(super) fn contains(&self, tag: u32, hint: u32, state: &S) -> bool {
        self.find(tag, hint, state).is_some()
    }

    /// The position of the state, which `hint` may already name.
    pub(super) fn find(&self, tag: u32, hint: u32, state: &S) -> Option<u32> {
        if self.states.get(hint as usize) == Some(state) {
            return Some(hint);
        }
        match self.table.find(tag, |local| self.states.get(local as usize) == Some(state)) {
            Find::Position(local) => Some(local),
            Find::Vacant(_) => None,
        }
    }

    /// Keeps the first link a state is offered with.
    pub(super) fn insert(&mut self, tag: u32, state: S, link: Link) -> Inserted {
        let same = |local: u32| self.states.get(local as usize) == Some(&state);
        let Find::Vacant(slot) = self.table.find(tag, same) else {
            return Inserted::Known;
        };
        let Some(id) = StateId::new(self.number, self.len) else {
            return Inserted::Full;
        };
        self.table.fill(slot, tag, id.local() as u32);
        self.states.push(state);
        self.links.push(link);
        self.len += 1;
        Inserted::New(id)
    }

    pub(super) fn state(&self, id: StateId) -> Option<&S> {
        self.states.get(id.local())
    }

    fn bytes(&self) -> usize {
        self.table.bytes() + self.states.bytes() + self.links.bytes()
    }
}

/// The whole visited set.
pub(super) struct Store<S> {
    pub(super) shards: Vec<Shard<S>>,
}

impl<S: Eq> Store<S> {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(Shard::new).collect() }
    }

    pub(super) fn state(&self, id: StateId) -> Option<&S> {
        self.shards.get(id.shard())?.states.get(id.local())
    }

    pub(super) fn link(&self, id: StateId) -> Option<Link> {
        self.shards.get(id.shard())?.links.get(id.local()).copied()
    }

    /// The engine's own memory; what a state owns on the heap is not in it.
    pub(super) fn bytes(&self) -> u64 {
        self.shards.iter().map(Shard::bytes).sum::<usize>() as u64
    }

    /// What the shards hold beyond `before`, the lengths at an earlier time.
    pub(super) fn since(&self, before: &[usize; SHARDS]) -> Frontier {
        let mut frontier = Frontier { first: *before, before: [0; SHARDS], len: 0 };
        for (index, shard) in self.shards.iter().enumerate() {
            frontier.before[index] = frontier.len;
            frontier.len += shard.len - before[index];
        }
        frontier
    }

    pub(super) fn lengths(&self) -> [usize; SHARDS] {
        let mut lengths = [0; SHARDS];
        for (length, shard) in lengths.iter_mut().zip(&self.shards) {
            *length = shard.len;
        }
        lengths
    }
}

/// The states of one level. As a level's states lie together in every shard, it is kept as where
/// they begin and not as a list.
pub(super) struct Frontier {
    /// The first position of the level in each shard.
    first: [usize; SHARDS],
    /// How many states of the level lie in the shards before each one.
    before: [usize; SHARDS],
    len: usize,
}

impl Frontier {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The ids of the states from `from` up to `to`, counted through the level.
    pub(super) fn ids(&self, from: usize, to: usize) -> impl Iterator<Item = StateId> {
        let mut shard = self.before.partition_point(|before| *before <= from).saturating_sub(1);
        (from..to.min(self.len)).filter_map(move |at| {
            while shard + 1 < SHARDS && self.before[shard + 1] <= at {
                shard += 1;
            }
            StateId::new(shard, self.first[shard] + at - self.before[shard])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Link = Link { parent: StateId::NONE, action: 0 };

    #[test]
    fn ids_run_out_without_wrapping() {
        let last = StateId::new(SHARDS - 1, LOCAL_MAX as usize);
        assert!(last.is_some_and(|id| id.shard() == SHARDS - 1 && id != StateId::NONE));
        assert_eq!(last.map(StateId::local), Some(LOCAL_MAX as usize));
        assert_eq!(StateId::new(0, LOCAL_MAX as usize + 1), None);
        assert_eq!(StateId::new(0, usize::MAX), None);
        let mut shard = Shard::new(3);
        shard.len = LOCAL_MAX as usize + 1;
        assert_eq!(shard.insert(1, 'x', ROOT), Inserted::Full);
    }

    #[test]
    fn equal_hashes_do_not_make_equal_states() {
        let mut shard = Shard::new(0);
        for state in 0..5000 {
            assert!(matches!(shard.insert(7, state, ROOT), Inserted::New(_)));
        }
        let other = Link { parent: StateId::NONE, action: 1 };
        assert_eq!(shard.insert(7, 4711, other), Inserted::Known);
        assert_eq!(shard.links.get(4711), Some(&ROOT), "the first link stays");
        assert!(shard.contains(7, 0, &4999) && !shard.contains(7, 0, &5000));
    }

    #[test]
    fn a_frontier_lists_what_was_added() {
        let mut store = Store::new();
        let placer = Placer::new();
        let add = |store: &mut Store<u32>, states: std::ops::Range<u32>| {
            for state in states {
                let place = placer.place(&state);
                store.shards[place.shard].insert(place.tag, state, ROOT);
            }
        };
        add(&mut store, 0..90);
        let before = store.lengths();
        add(&mut store, 80..3000);
        let frontier = store.since(&before);
        assert_eq!(frontier.len(), 2910);
        let mut seen: Vec<u32> = (0..2910)
            .step_by(7)
            .flat_map(|from| frontier.ids(from, (from + 7).min(2910)))
            .filter_map(|id| store.state(id).copied())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (90..3000).collect::<Vec<_>>());
    }
}
