//! Every test of the whole that needs neither loom nor shuttle, as one program: a module a subject, and no test here.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod architecture;
mod conform;
mod counts;
mod kills;
mod liberties;
mod lives;
mod mutants;
mod pinned;
mod prose;
mod races_threads;
mod reductions;
mod replay_sites;
mod schemas;
mod small;
mod spec_ids;
mod studies;
mod validate;
