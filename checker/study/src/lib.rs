//! Questions about the protocol: what is asked, what an engine's outcome shows, and how it is told.
//!
//! Nothing here decides what the protocol is; that is `syncsplit_model`. Nothing here reads a command line, prints, shows
//! progress or ends the process; that is the command `syncsplit`. In the order in which to read:
//!
//! | file | is |
//! |---|---|
//! | [`instance`], [`bounds`] | what can be asked about, by name or from a file |
//! | [`question`], [`reduce`], [`checkpoint`] | one question to an engine, searched in less or in parts |
//! | [`trace`], [`replay`], [`explore`] | a run as a reader sees it, stepped through the model again, or step by step |
//! | [`coverage`], [`report`], [`words`] | what a check comes to, as text and as JUnit |
//! | [`case`], [`ablate`], [`matrix`], [`pages`] | many searches, each beside what is expected of it |
//! | [`explain`] | a name of SPEC.md: its text, a run that shows it, its places in the code |
//! | [`condition`], [`reach`] | a condition on a state, and the shortest way to such a state |
//! | [`simulate`] | walks by chance, where a search would not end |
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

pub mod ablate;
pub mod bounds;
pub mod case;
pub mod checkpoint;
pub mod condition;
pub mod coverage;
pub mod ddmin;
pub mod explain;
pub mod explore;
pub mod instance;
pub mod matrix;
pub mod pages;
pub mod question;
pub mod reach;
pub mod reduce;
pub mod replay;
pub mod report;
pub mod simulate;
pub mod trace;
pub mod words;
