//! How much memory a search takes, and whether its next step has room.
//!
//! Never here: what happens when there is no room.

use super::pack::Pack;
use super::recent::Recent;
use super::rehash;
use super::row::Row;
use super::search::Search;
use super::sleep::Sleep;
use super::store::{SHARDS, States};
use super::table::Demand;
use crate::limits::{MARGIN, resident_bytes};

impl<M: Pack> Search<'_, '_, M> {
    /// What the table must have room for so that the first `count` rows can be taken in.
    pub(super) fn demand(&self, count: usize) -> Demand {
        let rows = &self.rows[..count];
        let in_shard = |shard: usize| rows.iter().map(|row| row.lists[shard].len()).sum();
        let candidates: usize = rows.iter().map(|row| row.states.len()).sum();
        // Never too many for a number: a slice that might come to more is not taken in.
        let number_last = (self.states.len() as usize + candidates) as u32;
        Demand { more: (0..SHARDS).map(in_shard).collect(), number_last }
    }

    /// How many candidates each of `count` rows has memory for.
    pub(super) fn room_per_row(&self, count: usize) -> usize {
        let Some(most) = self.options.limits.memory_bytes else {
            return Row::<M::Packed>::ROOM_MAX;
        };
        let left = most.saturating_sub(self.bytes_now() + MARGIN) as usize;
        (left / count.max(1) / Row::<M::Packed>::CANDIDATE_BYTES).min(Row::<M::Packed>::ROOM_MAX)
    }

    /// Whether the candidates of the first `count` rows fit into memory if all of them are new.
    pub(super) fn fits(&self, count: usize) -> bool {
        let rows = &self.rows[..count];
        if rows.iter().any(|row| row.overflowed) {
            return false;
        }
        let Some(most) = self.options.limits.memory_bytes else {
            return true;
        };
        let new: usize = rows.iter().map(|row| row.states.len()).sum();
        let demand = self.demand(count);
        let shards = self.shards.iter().zip(&demand.more);
        let fresh: usize = shards.map(|(shard, more)| shard.bytes_for(*more)).sum();
        let adopted: usize = rows.iter().map(|row| row.adopted.bytes_for(row.states.len())).sum();
        let States { known, table } = &self.states;
        let is_small = table.size_for(&demand).is_some();
        let table = table.bytes_for(&demand) + if is_small { rehash::BYTES } else { 0 };
        let after = known.bytes_for(known.len as usize + new) + table + fresh + adopted;
        let asleep = self.sleep.as_ref().map_or(0, |sleep| sleep.bytes_for(new) - sleep.bytes());
        let after = after + asleep;
        let fresh: usize = self.shards.iter().map(|shard| shard.bytes_for(0)).sum();
        let adopted: usize = rows.iter().map(|row| row.adopted.bytes()).sum();
        let before = self.states.bytes() + fresh + adopted;
        self.bytes_now() + after.saturating_sub(before) as u64 + MARGIN <= most
    }

    /// The memory in use now: the engine's own, or the whole process's if that is more.
    pub(super) fn bytes_now(&self) -> u64 {
        self.bytes().max(resident_bytes().unwrap_or(0))
    }

    /// The engine's own memory.
    pub(super) fn bytes(&self) -> u64 {
        let rows: usize = self.rows.iter().map(Row::bytes).sum();
        let shards: usize = self.shards.iter().map(|shard| shard.bytes_for(0)).sum();
        let asleep = self.sleep.as_ref().map_or(0, Sleep::bytes);
        (self.states.bytes()
            + asleep
            + rows
            + shards
            + self.threads.get() * Recent::<M::Packed>::BYTES) as u64
    }
}
