//! A sorted map that is cheap to copy: copies share what neither has changed since. It keeps a fingerprint of what it
//! holds up to date, so that states can be compared without walking through them.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::quality::FixedState;

/// The most pairs in one piece. A change copies a piece that is shared, and the list of pieces.
const PIECE_MAX: usize = 64;

/// Two hashes of 64 bits each, of fixed seeds.
pub(super) fn print_of(value: &impl Hash) -> u128 {
    let high = FixedState::with_seed(0x5eed).hash_one(value);
    let low = FixedState::with_seed(0xcafe).hash_one(value);
    u128::from(high) << 64 | u128::from(low)
}

type Piece<K, V> = Arc<Vec<(K, V)>>;

/// The map. Invariant: no piece is empty, and keys rise within a piece and from piece to piece.
#[derive(Clone, Debug)]
pub(super) struct Table<K, V> {
    pieces: Arc<Vec<Piece<K, V>>>,
    len: usize,
    /// Invariant: the sum of the pairs' prints.
    print: u128,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { pieces: Arc::default(), len: 0, print: 0 }
    }
}

impl<K: Ord + Clone + Hash, V: Clone + Hash> Table<K, V> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Equal for equal contents; of two other tables as good as never.
    pub(super) const fn print(&self) -> u128 {
        self.print
    }

    /// The piece that has `key` or would have it, and its place there: found, or where it would go.
    fn place(&self, key: &K) -> (usize, Result<usize, usize>) {
        let after = self.pieces.partition_point(|piece| piece[0].0 <= *key);
        let piece = after.saturating_sub(1);
        let at = self
            .pieces
            .get(piece)
            .map_or(Err(0), |pairs| pairs.binary_search_by(|(other, _)| other.cmp(key)));
        (piece, at)
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let (piece, at) = self.place(key);
        at.ok().map(|at| &self.pieces[piece][at].1)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.place(key).1.is_ok()
    }

    /// Sets the value of `key`, and returns the one before.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (piece, at) = self.place(&key);
        self.print = self.print.wrapping_add(print_of(&(&key, &value)));
        let pieces = Arc::make_mut(&mut self.pieces);
        let Some(pairs) = pieces.get_mut(piece) else {
            pieces.push(Arc::new(vec![(key, value)]));
            self.len += 1;
            return None;
        };
        let pairs = Arc::make_mut(pairs);
        match at {
            Ok(at) => {
                let before = std::mem::replace(&mut pairs[at].1, value);
                self.print = self.print.wrapping_sub(print_of(&(&key, &before)));
                Some(before)
            }
            Err(at) => {
                pairs.insert(at, (key, value));
                self.len += 1;
                if pairs.len() > PIECE_MAX {
                    // What is appended at the end leaves full pieces behind.
                    let middle = if at == PIECE_MAX { PIECE_MAX } else { PIECE_MAX / 2 };
                    let upper = pairs.split_off(middle);
                    pieces.insert(piece + 1, Arc::new(upper));
                }
                None
            }
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (piece, Ok(at)) = self.place(key) else { return None };
        let pieces = Arc::make_mut(&mut self.pieces);
        let pairs = Arc::make_mut(&mut pieces[piece]);
        let (key, value) = pairs.remove(at);
        if pairs.is_empty() {
            pieces.remove(piece);
        }
        self.len -= 1;
        self.print = self.print.wrapping_sub(print_of(&(&key, &value)));
        Some(value)
    }

    pub(super) fn clear(&mut self) {
        if !self.is_empty() {
            *self = Self::default();
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.pieces.iter().flat_map(|piece| piece.iter()).map(|(key, value)| (key, value))
    }

    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The pairs from `key` on, rising.
    pub(super) fn from<'a>(
        &'a self,
        key: &K,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
        let (piece, at) = self.place(key);
        let at = at.unwrap_or_else(|at| at);
        let pieces = self.pieces.get(piece..).unwrap_or_default();
        pieces.iter().flat_map(|piece| piece.iter()).skip(at).map(|(key, value)| (key, value))
    }

    pub(super) fn first(&self) -> Option<&K> {
        self.pieces.first().map(|piece| &piece[0].0)
    }
}

impl<K: Ord + Clone + Hash, V: Clone + Hash> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut table = Self::default();
        for (key, value) in pairs {
            table.insert(key, value);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    #[test]
    fn it_does_what_the_library_s_map_does_and_copies_stay_as_they_were() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut table, mut map) = (Table::<u32, u32>::default(), BTreeMap::new());
        let mut copies = Vec::new();
        for step in 0..20_000_u32 {
            let key = random.next_u32() % 700;
            if random.next_u32().is_multiple_of(3) {
                assert_eq!(table.remove(&key), map.remove(&key));
            } else {
                assert_eq!(table.insert(key, step), map.insert(key, step));
            }
            assert_eq!(table.len(), map.len());
            assert_eq!(table.get(&(key + 1)), map.get(&(key + 1)));
            assert_eq!(table.first(), map.keys().next());
            if step % 1000 == 0 {
                assert!(table.from(&key).eq(map.range(key..)));
                copies.push((table.clone(), map.clone()));
            }
        }
        for (table, map) in copies {
            assert!(table.iter().eq(map.iter()));
            let anew: Table<u32, u32> = map.into_iter().rev().collect();
            assert_eq!(table.print(), anew.print());
        }
    }

    #[test]
    fn what_is_appended_fills_its_pieces() {
        let table: Table<u32, ()> = (0..6400).map(|key| (key, ())).collect();
        assert_eq!(table.pieces.len(), 100);
    }
}
