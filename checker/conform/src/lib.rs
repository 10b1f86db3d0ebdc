//! Takes somebody else's implementation, behind an adapter, through scripts that come from the checked model, and says
//! which rules it keeps.
//!
//! A script travels [`directed`], [`generated`] or [`random`] -> [`cases`] -> [`run`] -> [`session`] -> [`request`] -> [`process`]; what
//! comes back, [`seen`], is judged in [`follow`], by the states of [`track`], and in [`history`], by the writes alone. [`class`] counts what was taken, [`explain`] names
//! the rules that are broken.

#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

pub mod block;
pub mod campaign;
pub mod cases;
pub mod class;
pub mod conclusion;
pub mod directed;
pub mod explain;
pub mod finish;
pub mod follow;
pub mod generated;
pub mod history;
pub mod known;
pub mod leash;
pub mod left_out;
pub mod orphans;
pub mod process;
pub mod random;
pub mod report;
pub mod request;
pub mod run;
pub mod script;
pub mod seen;
pub mod session;
mod shadow;
pub mod stories;
mod sync;
pub mod track;
pub mod verb;
pub mod wire;
