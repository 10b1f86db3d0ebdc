//! Adopting: the new states of a row get their numbers, in the order of a queue, are stored and
//! checked.
//!
//! Never here: whether a state is new; the shards have settled that.

use super::insert::Shard;
use super::layout::Layout;
use super::pack::Pack;
use super::prints::{Keys, PRINT};
use super::row::Row;
use super::store::{Dest, StateId};
use super::trace::{CallSite, attempt};
use crate::limits::Watch;
use crate::{Doing, KINDS_MAX};
use ::stateright::{Expectation, Model, Property};

/// States checked between two looks at the clock.
const LOOK_AFTER: u32 = 16;

/// What every row needs to know.
pub(super) struct Adopter<'a, M: Model, P> {
    pub(super) model: &'a M,
    pub(super) properties: &'a [Property<M>],
    /// Properties, by position, that no earlier slice settled.
    pub(super) open: &'a [usize],
    pub(super) shards: &'a [Shard],
    pub(super) layout: Layout<P>,
    /// What fingerprints are made with, where they are kept.
    pub(super) keys: Option<Keys>,
    pub(super) count_kinds: bool,
    /// Whether the new states are initial ones, which have no parent.
    pub(super) are_roots: bool,
    pub(super) watch: &'a Watch<'a>,
}

impl<M: Pack> Adopter<'_, M, M::Packed> {
    pub(super) fn adopt(&self, number: usize, row: &mut Row<M::Packed>, dest: Dest<'_>) {
        let kinds = if self.count_kinds && !self.are_roots { KINDS_MAX } else { 0 };
        row.adopted.clear(row.states.len(), kinds);
        for fresh in self.shards.iter().flat_map(|shard| shard.fresh_of(number)) {
            row.adopted.marks[fresh.at as usize / 64] |= 1 << (fresh.at % 64);
        }
        row.adopted.broke = attempt(|spot| {
            self.adopt_all(row, dest, spot);
            Ok(())
        });
    }

    fn adopt_all(&self, row: &mut Row<M::Packed>, dest: Dest<'_>, spot: &mut CallSite) {
        let Row { first, states, origins, asleep, adopted, .. } = row;
        let stride = self.layout.stride();
        let state_bytes = dest.states.into_iter().flat_map(|p| p.chunks_exact_mut(stride));
        let parent_bytes = dest.parents.into_iter().flatten();
        let mut print_bytes = dest.prints.into_iter().flat_map(|p| p.chunks_exact_mut(PRINT));
        let room = (dest.first.get()..).zip(state_bytes.zip(parent_bytes));
        let mut block_last = None;
        let mut checked = 0;
        for (at, (number, (state_bytes, parent_byte))) in ones(&adopted.marks).zip(room) {
            let (state, origin, id) = (&states[at], origins[at], StateId::new(number));
            adopted.ids[at] = id;
            self.layout.store(state, state_bytes);
            if let Some((keys, bytes)) = self.keys.as_ref().zip(print_bytes.next()) {
                bytes.copy_from_slice(&keys.of(state).to_le_bytes());
            }
            adopted.asleep.extend(asleep.get(at));
            if let Some(new) = adopted.new_by_kind.get_mut(usize::from(origin.kind)) {
                *new += 1;
            }
            if !self.are_roots {
                let parent = StateId::new(*first + u32::from(origin.parent));
                *parent_byte = parent.in_block();
                if block_last != Some(parent.block()) {
                    block_last = Some(parent.block());
                    adopted.first_children.push((parent.block(), id));
                }
            }
            if self.open.is_empty() || adopted.unfinished {
                continue;
            }
            self.check(state, id, &mut adopted.found, spot);
            checked += 1;
            if checked % LOOK_AFTER == 0 && self.watch.is_over() {
                adopted.unfinished = true;
            }
        }
    }

    fn check(
        &self,
        packed: &M::Packed,
        id: StateId,
        found: &mut Vec<(usize, StateId)>,
        spot: &mut CallSite,
    ) {
        let mut state = None;
        spot.state = Some(id);
        for &position in self.open {
            if found.iter().any(|(found, _)| *found == position) {
                continue;
            }
            let Some(property) = self.properties.get(position) else {
                continue;
            };
            spot.doing = Doing::Property(property.name);
            let holds = self.model.holds(position, packed).unwrap_or_else(|| {
                let state = state.get_or_insert_with(|| self.model.unpack(packed));
                (property.condition)(self.model, state)
            });
            if holds == (property.expectation == Expectation::Sometimes) {
                found.push((position, id));
            }
        }
    }
}

/// The positions of the bits that are set.
fn ones(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(at, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            bit.map(|bit| at * 64 + bit)
        })
    })
}
