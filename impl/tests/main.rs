//! Every test of the reference implementation on real threads, as one program: a module a subject, and no test here.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod array_nodes;
#[path = "../examples/trial_certificates/authority.rs"]
mod authority;
mod backup_nodes;
mod common;
mod frame;
mod handshakes;
mod holds;
mod lives;
mod restarts;
mod sites;
mod takeovers;
mod tcp;
mod tls;
