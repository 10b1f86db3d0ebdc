//! The command as a user and a CI job meet it, one module for each of its sides.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
#![deny(clippy::wildcard_enum_match_arm)]

mod alarms;
mod checkpoint;
mod claims;
mod cli;
mod command;
mod conform;
mod counterexamples;
mod cpp;
mod explain;
mod explore;
mod golang;
mod instances;
mod junit;
mod lassos;
mod listing;
mod reach;
mod reductions;
mod samples;
mod simulate;
mod stories;
mod studies;
mod systems;
mod terminal;
mod traces;
mod validate;
