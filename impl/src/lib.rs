//! The reference implementation: threads, volumes and links around the protocol's transition functions.
//!
//! Every decision is taken by a `step` of [`syncsplit_model::protocol`], which [`roles`] calls; what lives here holds a role's state
//! behind one lock, performs the effects, and writes down each event in the order it took effect. A write travels
//! [`local`] -> [`frame`] -> [`transport`] -> [`remote`] -> [`volume`]; a backup travels [`backup`] -> [`stillness`] ->
//! [`database`] -> [`local`]. After a takeover the roles change sides through [`failback`]. The threads that drive it all
//! are started and stopped in [`site`]; [`doorway`] decides whose locks they use.
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
