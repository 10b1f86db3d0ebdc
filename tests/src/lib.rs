//! What the checks on this repository itself share: where its files are, what a source file imports, which habits are
//! kept, which ids are cited, and the table of pinned verdicts. Nothing of the protocol lives there; beside them stand
//! the way of traces to the validator, and the races whose traces are replayed.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

pub mod bless;
pub mod counts;
pub mod defects;
pub mod floors;
pub mod ids;
#[allow(clippy::wildcard_enum_match_arm, reason = "words of another syntax")]
pub mod imports;
pub mod kills;
pub mod liberties;
#[allow(clippy::wildcard_enum_match_arm, reason = "words of another syntax")]
pub mod literals;
pub mod pinned;
#[allow(clippy::wildcard_enum_match_arm, reason = "words of another syntax")]
pub mod prose;
pub mod replay;
pub mod scenarios;
pub mod source;
pub mod studies;
#[allow(clippy::wildcard_enum_match_arm, reason = "words of another syntax")]
pub mod tidy;
