//! Inserting: which of the candidates for one shard are new, in the order of a queue.
//!
//! Never here: a second shard. One thread owns a shard for the length of a slice, so there is
//! nothing to lock and nothing to race for.
//!
//! A new state gets its number only when all shards have said how many of the states before it
//! are new. Until then its slot holds a number beyond all that are given: its position among the
//! shard's new states.

use super::expand::{Entry, Row};
use super::pack::Words;
use super::store::{Known, Place};
use super::table::{Find, Table};

/// Candidates looked up together: the memory that one waits for comes while the next one asks.
const BATCH: usize = 32;

/// A candidate that turned out to be new.
#[derive(Clone, Copy)]
pub(super) struct Fresh {
    row: u32,
    /// The position among the row's candidates.
    pub(super) at: u32,
    slot: usize,
}

/// One part of the visited set.
pub(super) struct Shard {
    pub(super) table: Table,
    /// The new states of the slice.
    fresh: Vec<Fresh>,
    /// How many of them come from the rows before each one.
    starts: Vec<usize>,
    /// No state of the slice gets a larger number.
    number_last: u32,
}

impl Shard {
    pub(super) fn new(phase: usize, phases: usize) -> Self {
        Self {
            table: Table::new(phase, phases),
            fresh: Vec::new(),
            starts: Vec::new(),
            number_last: 0,
        }
    }

    /// The new states among the candidates of one row, by their position there.
    pub(super) fn fresh_of(&self, row: usize) -> &[Fresh] {
        let from = self.starts.get(row).copied().unwrap_or(self.fresh.len());
        let to = self.starts.get(row + 1).copied().unwrap_or(self.fresh.len());
        self.fresh.get(from..to).unwrap_or_default()
    }

    pub(super) fn bytes(&self) -> usize {
        self.table.bytes() + self.fresh.capacity() * size_of::<Fresh>()
    }

    /// The most memory in use until `more` candidates of `known.len` states are inserted.
    pub(super) fn bytes_for(&self, more: usize) -> usize {
        let fresh = (2 * (self.fresh.len() + more)).max(self.fresh.capacity());
        self.table.bytes_for(more) + fresh * size_of::<Fresh>()
    }

    /// Looks the candidates for the shard of this number up, and puts down those that are new.
    pub(super) fn insert<P: Words>(&mut self, number: usize, rows: &[Row<P>], known: &Known<P>) {
        self.fresh.clear();
        self.starts.clear();
        // Never wraps: a slice that might need more numbers than there are is not inserted.
        let candidates: usize = rows.iter().map(|row| row.states.len()).sum();
        self.number_last = known.len + candidates as u32;
        for (at, row) in (0..).zip(rows) {
            self.starts.push(self.fresh.len());
            let entries = row.lists.get(number).map(Vec::as_slice).unwrap_or_default();
            for batch in entries.chunks(BATCH) {
                self.insert_batch(batch, at, rows, row, known);
            }
        }
    }

    fn insert_batch<P: Words>(
        &mut self,
        batch: &[Entry],
        row_number: u32,
        rows: &[Row<P>],
        row: &Row<P>,
        known: &Known<P>,
    ) {
        let mut guesses = [None; BATCH];
        for (guess, entry) in guesses.iter_mut().zip(batch) {
            *guess = self.table.guess(entry.hash()).filter(|number| *number < known.len);
        }
        let mut is_known = [false; BATCH];
        for ((is_known, guess), entry) in is_known.iter_mut().zip(guesses).zip(batch) {
            *is_known = guess.is_some_and(|number| known.is(number, &row.states[entry.at()]));
        }
        for (entry, _) in batch.iter().zip(is_known).filter(|(_, is_known)| !is_known) {
            self.insert_one(*entry, row_number, rows, known);
        }
    }

    fn insert_one<P: Words>(
        &mut self,
        entry: Entry,
        row_number: u32,
        rows: &[Row<P>],
        known: &Known<P>,
    ) {
        let state = &rows[row_number as usize].states[entry.at()];
        let Self { table, fresh, number_last, .. } = self;
        let of_fresh = |number: u32| fresh.get((number - known.len) as usize);
        let is_same = |number: u32| match number < known.len {
            true => known.is(number, state),
            false => of_fresh(number).is_some_and(|fresh| fresh.state(rows) == state),
        };
        let Find::Vacant(mut slot) = table.find(entry.hash(), is_same) else {
            return;
        };
        if !table.has_room_for(*number_last) {
            grow(table, fresh, *number_last, rows, known);
            if let Find::Vacant(now) = table.find(entry.hash(), |_| false) {
                slot = now;
            }
        }
        table.fill(slot, entry.hash(), known.len + fresh.len() as u32);
        fresh.push(Fresh { row: row_number, at: entry.at() as u32, slot });
    }

    /// Gives the new states the numbers that their rows have worked out.
    pub(super) fn settle<P: Words>(&mut self, rows: &[Row<P>]) {
        for fresh in self.fresh.drain(..) {
            let id = rows[fresh.row as usize].adopted.ids[fresh.at as usize];
            self.table.renumber(fresh.slot, id.get());
        }
        self.starts.clear();
    }
}

/// Makes room for one more number.
fn grow<P: Words>(
    table: &mut Table,
    fresh: &mut [Fresh],
    number: u32,
    rows: &[Row<P>],
    known: &Known<P>,
) {
    let hash = |packed: &P| Place::of(known.layout.hash(packed)).hash;
    let mut moves: Vec<(u32, usize)> = Vec::with_capacity(fresh.len());
    table.grow(
        number,
        |number| match number.checked_sub(known.len) {
            None => hash(&known.layout.load(known.states.get(number as usize))),
            Some(at) => fresh.get(at as usize).map_or(0, |fresh| hash(fresh.state(rows))),
        },
        |number, slot| {
            if let Some(at) = number.checked_sub(known.len) {
                moves.push((at, slot));
            }
        },
    );
    for (at, slot) in moves {
        if let Some(fresh) = fresh.get_mut(at as usize) {
            fresh.slot = slot;
        }
    }
}

impl Fresh {
    fn state<P>(self, rows: &[Row<P>]) -> &P {
        &rows[self.row as usize].states[self.at as usize]
    }
}
