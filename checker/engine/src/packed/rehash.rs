//! Filling a table anew with all states there are, when it has become too small.
//!
//! Never here: how large a table is to be.
//!
//! The old table is no help: a slot does not hold enough hash bits. So it is thrown away first,
//! and all states are read and hashed once more, in the order in which they lie. The numbers for
//! one shard are gathered before any is put down, so that little waits for memory.

use super::pack::Words;
use super::row::Entry;
use super::store::{Known, Place, SHARDS, States};
use super::table::Size;
use crate::crew::share_out;
use std::num::NonZeroUsize;

/// States hashed at a time by one task, and tasks per round.
const CHUNK: usize = 1 << 14;
const CHUNKS: usize = 16;
/// Fewer states than this are not worth waking another thread for.
const ALONE: usize = 1 << 13;

/// Numbers put down together: the memory that one waits for comes while the next one asks.
const BATCH: usize = 32;

/// For each shard the states of one chunk that belong there.
type Lists = Vec<Vec<Entry>>;

/// The most memory that is in use besides the table for a moment.
pub(super) const BYTES: usize = 2 * CHUNKS * CHUNK * size_of::<Entry>();

/// Gives the table this size.
pub(super) fn rehash<P: Words>(states: &mut States<P>, size: Size, threads: NonZeroUsize) {
    let States { known, table } = states;
    let known = &*known;
    table.replace(size);
    let len = known.len as usize;
    let threads = if len < ALONE { NonZeroUsize::MIN } else { threads };
    let empty = || (0..SHARDS).map(|_| Vec::new()).collect();
    let mut chunks: Vec<Lists> = (0..CHUNKS.min(len.div_ceil(CHUNK))).map(|_| empty()).collect();
    for from in (0..len).step_by(CHUNK * CHUNKS) {
        let begins = (from..len).step_by(CHUNK);
        share(threads, chunks.iter_mut().zip(begins.clone()), |(lists, begin)| {
            list(known, begin, len.min(begin + CHUNK), lists);
        });
        let chunks = &chunks;
        share(threads, table.parts_mut().enumerate(), |(shard, (mut part, taken))| {
            for (lists, begin) in chunks.iter().zip(begins.clone()) {
                for batch in lists[shard].chunks(BATCH) {
                    part.touch(batch.iter().map(|entry| entry.hash()));
                    for entry in batch {
                        part.add(entry.hash(), (begin + entry.at()) as u32);
                    }
                }
                *taken += lists[shard].len();
            }
        });
    }
}

/// Sorts the states from `from` up to `to` by shard.
fn list<P: Words>(known: &Known<P>, from: usize, to: usize, lists: &mut Lists) {
    lists.iter_mut().for_each(Vec::clear);
    for number in from..to {
        let Place { shard, hash } = Place::of(known.hash_of(number as u32));
        lists[shard % SHARDS].push(Entry::new(hash, number - from));
    }
}

fn share<T: Send>(
    threads: NonZeroUsize,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
) {
    if threads == NonZeroUsize::MIN {
        tasks.for_each(work);
    } else {
        share_out(threads, tasks, work, || {});
    }
}
