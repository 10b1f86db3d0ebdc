//! Inserting: which of the candidates for one shard are new, in the order of a queue.
//!
//! Never here: a second shard. One thread owns a shard for the length of a slice, so there is
//! nothing to lock and nothing to race for.
//!
//! A new state gets its number only when all shards have said how many of the states before it
//! are new. Until then its slot holds a number beyond all that are given: its position among the
//! shard's new states.

use super::pack::Words;
use super::row::{Entry, Row};
use super::store::Known;
use super::table::{Bucket, Find, Part};

/// Candidates looked up together: the memory that one waits for comes while the next one asks.
const BATCH: usize = 32;

/// A candidate that turned out to be new.
#[derive(Clone, Copy)]
pub(super) struct Fresh {
    row: u32,
    /// The position among the row's candidates.
    pub(super) at: u32,
    slot: u32,
}

/// What inserting knows about one part of the table.
#[derive(Default)]
pub(super) struct Shard {
    /// The new states of the slice.
    fresh: Vec<Fresh>,
    /// How many of them come from the rows before each one.
    starts: Vec<usize>,
}

/// A part of the table, with its count of taken slots.
type Slots<'a> = (Part<&'a mut [Bucket]>, &'a mut usize);

impl Shard {
    /// The new states among the candidates of one row, by their position there.
    pub(super) fn fresh_of(&self, row: usize) -> &[Fresh] {
        let from = self.starts.get(row).copied().unwrap_or(self.fresh.len());
        let to = self.starts.get(row + 1).copied().unwrap_or(self.fresh.len());
        self.fresh.get(from..to).unwrap_or_default()
    }

    /// The memory in use once `more` candidates were inserted.
    pub(super) fn bytes_for(&self, more: usize) -> usize {
        // A list that grows doubles.
        let fresh = if more > self.fresh.capacity() { 2 * more } else { self.fresh.capacity() };
        fresh * size_of::<Fresh>()
    }

    /// Looks the candidates for the shard of this number up, and puts down those that are new.
    /// The table has room for all of them.
    pub(super) fn insert<P: Words>(
        &mut self,
        number: usize,
        (mut part, taken): Slots<'_>,
        rows: &[Row<P>],
        known: &Known<P>,
    ) {
        self.fresh.clear();
        self.starts.clear();
        for (at, row) in (0..).zip(rows) {
            self.starts.push(self.fresh.len());
            let entries = row.lists.get(number).map(Vec::as_slice).unwrap_or_default();
            for batch in entries.chunks(BATCH) {
                let is_known = known_of(batch, &part, row, known);
                for (entry, _) in batch.iter().zip(is_known).filter(|(_, is_known)| !is_known) {
                    self.insert_one(*entry, at, &mut part, rows, known);
                }
            }
        }
        *taken += self.fresh.len();
    }

    fn insert_one<P: Words>(
        &mut self,
        entry: Entry,
        row: u32,
        part: &mut Part<&mut [Bucket]>,
        rows: &[Row<P>],
        known: &Known<P>,
    ) {
        let state = &rows[row as usize].states[entry.at()];
        let is_same = |number: u32| match number.checked_sub(known.len) {
            None => known.is(number, state),
            Some(at) => self.fresh.get(at as usize).is_some_and(|f| f.state(rows) == state),
        };
        if let Find::Vacant(slot) = part.find(entry.hash(), is_same) {
            part.fill(slot, entry.hash(), known.len + self.fresh.len() as u32);
            self.fresh.push(Fresh { row, at: entry.at() as u32, slot });
        }
    }

    /// Gives the new states the numbers that their rows have worked out.
    pub(super) fn settle<P: Words>(&mut self, (mut part, _): Slots<'_>, rows: &[Row<P>]) {
        for fresh in self.fresh.drain(..) {
            let id = rows[fresh.row as usize].adopted.ids[fresh.at as usize];
            part.renumber(fresh.slot, id.get());
        }
        self.starts.clear();
    }
}

/// For each of a few candidates whether it was known before the slice; if not it may still be a
/// candidate that came before. All slots are read before any state is, because lookups that do
/// not wait for each other wait for memory together.
fn known_of<P: Words>(
    batch: &[Entry],
    part: &Part<&mut [Bucket]>,
    row: &Row<P>,
    known: &Known<P>,
) -> [bool; BATCH] {
    part.touch(batch.iter().map(|entry| entry.hash()));
    let mut guesses = [None; BATCH];
    for (guess, entry) in guesses.iter_mut().zip(batch) {
        *guess = part.guess(entry.hash()).filter(|number| *number < known.len);
    }
    let mut is_known = [false; BATCH];
    for ((is_known, guess), entry) in is_known.iter_mut().zip(guesses).zip(batch) {
        *is_known = guess.is_some_and(|number| known.is(number, &row.states[entry.at()]));
    }
    is_known
}

impl Fresh {
    fn state<P>(self, rows: &[Row<P>]) -> &P {
        &rows[self.row as usize].states[self.at as usize]
    }
}
