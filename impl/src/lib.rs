//! The reference implementation: threads, volumes and links around the protocol's transition functions. In memory, and not
//! durable yet, are each role's state, the journal, the reorder queue and both dirty maps: `restart` plays a crash by losing
//! what the protocol calls volatile, and the end of a process loses all of it. Only a [`volume::FileVolume`] is on disk.
//!
//! Every decision is taken by a `step` of [`syncsplit_model::protocol`]. The files here hold a role's state behind one lock,
//! perform the effects, and write down each event in the order of its effect. Each file names only files above it in this
//! list, which is the order to read them in:
//!
//! 1. [`doorway`] decides whose locks and threads are used; [`clock`] is the only place where time passes.
//! 2. [`payload`], [`volume`] and [`containers`] hold; [`error`], [`mailbox`] and [`trace`] carry what happened.
//! 3. [`roles`] calls the transition functions, around the state that `slot` keeps. [`failback`] is a state on its way from
//!    one role to the other; [`stillness`] is what a backup asks to be held.
//! 4. A write travels [`local`] -> [`frame`] -> [`transport`] -> [`remote`] -> [`volume`].
//! 5. A backup travels [`backup`] -> [`stillness`] -> [`database`] -> [`local`].
//! 6. [`link`] and [`dial`] make connections over a transport again and again; [`site`] starts and stops all the threads.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

pub mod backup;
pub mod clock;
pub mod containers;
pub mod database;
pub mod dial;
pub mod doorway;
pub mod error;
pub mod failback;
pub mod frame;
pub mod link;
pub mod local;
pub mod mailbox;
pub mod payload;
pub mod remote;
pub mod roles;
pub mod site;
mod slot;
pub mod stillness;
pub mod trace;
pub mod transport;
pub mod volume;

pub use error::NodeError;
