//! What the checks on this repository itself share: where its files are, what a source file imports, which habits are
//! kept, which ids are cited, and the table of pinned verdicts. Nothing of the protocol lives there; beside them stand
//! the way of traces to the validator, and the races whose traces are replayed.
#![forbid(unsafe_code)]

pub mod bless;
pub mod counts;
pub mod defects;
pub mod floors;
pub mod ids;
pub mod imports;
pub mod kills;
pub mod literals;
pub mod pinned;
pub mod prose;
pub mod replay;
pub mod scenarios;
pub mod source;
pub mod studies;
pub mod tidy;
