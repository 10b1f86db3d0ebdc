//! The checker: engines that search a model, and the command `syncsplit` that asks them about the protocol.
//!
//! Nothing here decides what the protocol is; that is `syncsplit_model`.
#![forbid(unsafe_code)]

pub mod bounds;
pub mod check;
pub mod cli;
pub mod engine;
pub mod explore;
pub mod list;
pub mod progress;
pub mod replay;
pub mod report;
pub mod simulate;
pub mod trace;
