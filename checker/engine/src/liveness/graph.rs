//! What liveness needs of a store of states: consecutive numbers for them, in both directions.
//!
//! Never here: the edges between states. A store only keeps one way to each of them.

use crate::store::{Place, Placer, SHARDS, StateId, Store};
use std::borrow::Cow;
use std::hash::Hash;

/// No state has this number.
pub(super) const NONE: u32 = u32::MAX;

/// How a state was first reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct First {
    /// The state it was reached from; `None` for an initial state.
    pub(super) parent: Option<u32>,
    /// The position of the action in the parent's list, or of an initial state in the model's.
    pub(super) action: u32,
}

/// All states a complete search has found, numbered from 0 without a gap.
pub(super) trait StateGraph<S: Clone>: Sync {
    /// How many there are; less than [`NONE`].
    fn len(&self) -> usize;

    /// The state of this number. A store that packs its states unpacks one.
    fn state(&self, number: u32) -> Option<Cow<'_, S>>;

    /// Appends the numbers of `states` to `numbers`, [`NONE`] for a state that was never found.
    /// They come together so that a store can look them all up while it waits for memory.
    fn find(&self, states: &[S], numbers: &mut Vec<u32>);

    /// How the state of this number was first reached.
    fn first(&self, number: u32) -> Option<First>;

    /// The memory that the states take.
    fn bytes(&self) -> u64;
}

/// The store of `levels`, shard after shard.
pub(super) struct Numbered<'a, S> {
    store: &'a Store<S>,
    placer: Placer,
    /// How many states lie in the shards before each one.
    before: [u32; SHARDS],
    len: usize,
}

impl<'a, S: Eq> Numbered<'a, S> {
    pub(super) fn new(store: &'a Store<S>) -> Self {
        let mut before = [0; SHARDS];
        let mut len = 0;
        for (before, length) in before.iter_mut().zip(store.lengths()) {
            *before = len as u32;
            len += length;
        }
        Self { store, placer: Placer::new(), before, len }
    }

    fn id(&self, number: u32) -> Option<StateId> {
        // Of shards that begin at the same number all but the last are empty.
        let shard = self.before.partition_point(|before| *before <= number) - 1;
        StateId::new(shard, (number - self.before[shard]) as usize)
    }

    fn number(&self, id: StateId) -> u32 {
        self.before[id.shard()] + id.local() as u32
    }
}

impl<S: Clone + Eq + Hash + Sync> StateGraph<S> for Numbered<'_, S> {
    fn len(&self) -> usize {
        self.len
    }

    fn state(&self, number: u32) -> Option<Cow<'_, S>> {
        self.store.state(self.id(number)?).map(Cow::Borrowed)
    }

    /// All hints are fetched before any state is; see `sort_out` in the search.
    fn find(&self, states: &[S], numbers: &mut Vec<u32>) {
        const BATCH: usize = 32;
        let shards = &self.store.shards;
        for batch in states.chunks(BATCH) {
            let mut hints = [None; BATCH];
            for (hint, state) in hints.iter_mut().zip(batch) {
                let place = self.placer.place(state);
                *hint = shards[place.shard].hint(place.tag).map(|hint| (place, hint));
            }
            for (state, hint) in batch.iter().zip(hints) {
                let number = hint.and_then(|(place, hint): (Place, u32)| {
                    let local = shards[place.shard].find(place.tag, hint, state)?;
                    Some(self.before[place.shard] + local)
                });
                numbers.push(number.unwrap_or(NONE));
            }
        }
    }

    fn first(&self, number: u32) -> Option<First> {
        let link = self.store.link(self.id(number)?)?;
        let parent = (link.parent != StateId::NONE).then(|| self.number(link.parent));
        Some(First { parent, action: link.action })
    }

    fn bytes(&self) -> u64 {
        self.store.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Inserted, Link};

    #[test]
    fn numbers_are_consecutive_and_lead_back() {
        for count in [0, 1, 7, 5_000_u32] {
            let mut store = Store::new();
            let placer = Placer::new();
            let mut parent = StateId::NONE;
            for state in 0..count {
                let place = placer.place(&state);
                let link = Link { parent, action: state };
                let inserted = store.shards[place.shard].insert(place.tag, state, link);
                if let Inserted::New(id) = inserted {
                    parent = id;
                }
            }
            let graph = Numbered::new(&store);
            assert_eq!(graph.len(), count as usize);
            let states: Vec<u32> =
                (0..count).filter_map(|n| graph.state(n).map(Cow::into_owned)).collect();
            let mut numbers = Vec::new();
            graph.find(&states, &mut numbers);
            assert_eq!(numbers, (0..count).collect::<Vec<_>>());
            for number in 0..count {
                let first = graph.first(number);
                let state = states[number as usize];
                let before = first.and_then(|first| first.parent);
                assert_eq!(first.map(|first| first.action), Some(state));
                assert_eq!(before.map(|before| states[before as usize]), state.checked_sub(1));
            }
            graph.find(&[count, count + 1], &mut numbers);
            assert_eq!(numbers[count as usize..], [NONE; 2]);
            assert_eq!(graph.state(count), None);
        }
    }
}
