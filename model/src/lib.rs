//! The protocol of JP 2003-099306 - backing up a database from an asynchronous remote copy without suspending the
//! copy - and the closed world it is checked in.
//!
//! [`protocol`] is what an implementation links: pure transition functions, `no_std`, nothing but data in and data
//! out. `record` (feature `record`) is how a step is written down. `system` (feature `world`) says what effects do
//! to volumes and links, and what must hold there. `world` (feature `world`) closes the protocol with links, hosts, a
//! database and faults, so that a model checker can take every interleaving. Dependencies point one way: `world` uses
//! `system`, `record` and `protocol`; `system` and `record` use `protocol`.
#![cfg_attr(not(any(feature = "record", test)), no_std)]
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

pub mod protocol;
#[cfg(feature = "record")]
pub mod record;
#[cfg(feature = "world")]
pub mod system;
#[cfg(feature = "world")]
pub mod world;
