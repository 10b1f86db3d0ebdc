//! What the engines promise, on models whose answers are known.
//!
//! Never here: the protocol. These tests would hold for any model.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panic")]

/// Packs each model's states, which are numbers, into one word.
macro_rules! packs_numbers {
    ($($model:ty),*) => {$(
        impl syncsplit_engine::packed::Pack for $model {
            type Packed = [u64; 1];

            fn pack(&self, state: &Self::State) -> [u64; 1] {
                [(*state).into()]
            }

            fn unpack(&self, packed: &[u64; 1]) -> Self::State {
                packed[0] as Self::State
            }
        }
    )*};
}

mod limits;
mod liveness;
mod models;
mod packing;
mod plain;
mod prints;
mod refused;
mod resume;
mod search;
mod second_opinion;
mod two_phase;

use models::{Grid, sum};
use packing::Drowsy;
use stateright::Property;
use syncsplit_engine::{Options, SearchOutcome, StopAt, Verdict};

fn with_threads<A>(threads: usize) -> Options<'static, A> {
    Options { threads, stop: StopAt::Exhaust, ..Options::default() }
}

/// The outcome without what differs between any two runs.
fn timeless<A, S>(outcome: SearchOutcome<A, S>) -> SearchOutcome<A, S> {
    SearchOutcome { seconds: 0.0, peak_bytes: None, ..outcome }
}

fn verdicts<A, S>(outcome: &SearchOutcome<A, S>) -> Vec<Verdict> {
    outcome.properties.iter().map(|p| p.verdict).collect()
}

fn sums() -> Vec<Property<Grid<5>>> {
    vec![
        Property::always("never 23", |_, s| sum(s) < 23),
        Property::always("never 30", |_, s| sum(s) < 30),
        Property::always("never 23 with a 9", |_, s| sum(s) < 23 || !s.contains(&9)),
        Property::sometimes("20 without ones", |_, s| sum(s) == 20 && !s.contains(&1)),
        Property::sometimes("a thousand", |_, s| sum(s) == 1000),
    ]
}

fn drowsy<const N: usize>(top: u8, clashes: bool) -> Drowsy<N> {
    Drowsy { grid: Grid { top, ..Grid::default() }, clashes, taken: 0.into() }
}
