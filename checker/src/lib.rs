//! The checker: the command `syncsplit` that asks engines about the protocol.
//!
//! Nothing here decides what the protocol is; that is `syncsplit_model`.
#![forbid(unsafe_code)]

pub mod ablate;
pub mod bounds;
pub mod check;
pub mod checkpoint;
pub mod cli;
pub mod conform;
pub mod coverage;
pub mod explore;
pub mod instance;
pub mod list;
pub mod matrix;
pub mod progress;
pub mod reduce;
pub mod replay;
pub mod report;
pub mod simulate;
pub mod study;
pub mod trace;
pub mod validate;
