//! The checker: the questions about the protocol that engines are asked.
//!
//! Nothing here decides what the protocol is; that is `syncsplit_model`. Nothing here reads a command line, prints, shows
//! progress or ends the process; that is the command `syncsplit`.
#![forbid(unsafe_code)]

pub mod ablate;
pub mod bounds;
pub mod case;
pub mod checkpoint;
pub mod coverage;
pub mod explore;
pub mod instance;
pub mod matrix;
pub mod pages;
pub mod question;
pub mod reduce;
pub mod replay;
pub mod report;
pub mod simulate;
pub mod trace;
pub mod words;
