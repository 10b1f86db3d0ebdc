//! The protocol of JP 2003-099306 - backing up a database from an asynchronous remote copy without suspending the
//! copy - and the closed world it is checked in.
//!
//! [`protocol`] is what an implementation links: pure transition functions, `no_std`, nothing but data in and data
//! out. `world` (feature `world`) closes the protocol with links, hosts, a database and faults, so that a model
//! checker can take every interleaving. Dependencies point one way: `world` uses `protocol`, never the reverse.
#![cfg_attr(not(any(feature = "world", test)), no_std)]
#![forbid(unsafe_code)]

pub mod protocol;
#[cfg(feature = "world")]
pub mod world;
