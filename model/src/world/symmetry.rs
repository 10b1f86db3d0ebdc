//! Which blocks can be exchanged: permutations of blocks under which the world looks the same, and what they make of a
//! state. What a step does to blocks is not said here.
//!
//! The protocol knows blocks by equality alone, and volumes are names for blocks. It is the application that may give a
//! block a part of its own: a transaction of [`Transactions::FirstLast`] writes the first block, later the last. So
//! only permutations that keep both are automorphisms there; with [`Transactions::Any`] all are. The normal form treats
//! every block alike, and names the contents of each apart from those of others: the image of a normal form is one.

use crate::protocol::{BlockIndex, Item, ToPrimary, ToSecondary};
use crate::world::bounded::BlockSet;
use crate::world::instance::{Transactions, World};
use crate::world::state::{BLOCKS_MAX, FrozenImage, Ghost, Image, Queue, State, Value};

/// A permutation of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Where each block goes; those that the world does not have stay.
    to: [BlockIndex; BLOCKS_MAX],
}

impl World {
    /// Every permutation of blocks under which this world looks the same, but for the one that moves none.
    #[must_use]
    pub fn automorphisms(&self) -> Vec<Exchange> {
        let blocks = self.bounds.blocks as usize;
        let last = blocks.saturating_sub(1);
        let keeps = |exchange: &Exchange, block: usize| exchange.to[block].0 as usize == block;
        let is_one = |exchange: &Exchange| match self.bounds.transactions {
            Transactions::FirstLast => keeps(exchange, 0) && keeps(exchange, last),
            Transactions::Any => true,
        };
        let moves = |exchange: &Exchange| (0..blocks).any(|block| !keeps(exchange, block));
        let all = Exchange::all(blocks).into_iter();
        all.filter(|exchange| is_one(exchange) && moves(exchange)).collect()
    }
}

impl Exchange {
    /// Every permutation of the first `blocks` blocks.
    fn all(blocks: usize) -> Vec<Self> {
        let none = Self { to: core::array::from_fn(|block| BlockIndex(block as u32)) };
        let mut all = vec![none];
        for end in 1..blocks {
            // One for each block that the next one can change places with, itself included.
            let with = |at: usize| {
                all.iter().map(move |exchange| {
                    let mut exchange: Self = *exchange;
                    exchange.to.swap(at, end);
                    exchange
                })
            };
            all = (0..=end).flat_map(with).collect();
        }
        all
    }

    /// Where `block` goes.
    #[must_use]
    pub fn of(&self, block: BlockIndex) -> BlockIndex {
        self.to.get(block.0 as usize).copied().unwrap_or(block)
    }

    /// What becomes of `state`. Every field is named here, so that one that is new is not forgotten.
    #[must_use]
    pub fn image(&self, state: &State) -> State {
        let State { primary, secondary, ghost, .. } = state;
        let State { link_up, database, unanswered, coordinator, sync, requester, host, .. } =
            *state;
        let mut after = State {
            primary: *primary,
            secondary: *secondary,
            pvol: self.contents(&state.pvol),
            spvol: self.contents(&state.spvol),
            svol: self.contents(&state.svol),
            disk: self.contents(&state.disk),
            link_up,
            to_secondary: state.to_secondary,
            to_primary: state.to_primary,
            database,
            begun: state.begun.map(|block| self.of(block)),
            unanswered,
            coordinator,
            sync,
            requester,
            host,
            ghost: self.ghost(ghost),
        };
        self.queue(&mut after.primary.journal);
        after.primary.dirty = self.set(primary.dirty);
        self.queue(&mut after.secondary.queue);
        after.secondary.dirty = self.set(secondary.dirty);
        after.secondary.replica.dirty = self.set(secondary.replica.dirty);
        after.to_secondary.rename(|mut message| {
            match &mut message {
                ToSecondary::Frame(frame) => self.item(&mut frame.entry.item),
                ToSecondary::Unsequenced { block, .. } => *block = self.of(*block),
                ToSecondary::Resync { .. }
                | ToSecondary::Suspend { .. }
                | ToSecondary::Delete { .. } => {}
            }
            message
        });
        after.to_primary.rename(|mut message| {
            if let ToPrimary::Ready { dirty, .. } = &mut message {
                *dirty = self.set(*dirty);
            }
            message
        });
        after
    }

    fn ghost(&self, ghost: &Ghost) -> Ghost {
        let Ghost { copying, svol_good, backup_suspended, promised, mut order, .. } = *ghost;
        self.queue(&mut order);
        let frozen =
            |frozen: FrozenImage| FrozenImage { image: self.contents(&frozen.image), ..frozen };
        Ghost {
            frozen: ghost.frozen.map(frozen),
            permitted: ghost.permitted.map(frozen),
            oracle: self.contents(&ghost.oracle),
            order,
            copying,
            complete: ghost.complete.map(|(seq, image)| (seq, self.contents(&image))),
            svol_good,
            backup_suspended,
            promised,
        }
    }

    fn contents(&self, image: &Image) -> Image {
        let mut after = *image;
        for (value, to) in image.iter().zip(self.to) {
            after[to.0 as usize] = *value;
        }
        after
    }

    fn set(&self, blocks: BlockSet) -> BlockSet {
        let bits = blocks.iter().fold(0, |bits, block| bits | 1 << self.of(block).0);
        BlockSet::of_bits(crate::protocol::containers::DirtyMap::blocks(&blocks), bits)
    }

    fn queue(&self, queue: &mut Queue) {
        queue.entries_mut().for_each(|entry| self.item(&mut entry.item));
    }

    fn item(&self, item: &mut Item<Value>) {
        match item {
            Item::Write { block, .. } | Item::Copy { block, .. } => *block = self.of(*block),
            Item::PairMark => {}
        }
    }
}
