//! A run as it was recorded: each node's records in their order. How they are read is not said here.

use super::record::Record;

/// A record, and where it stands.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which of the files, from 0.
    pub file: usize,
    /// The line, from 1.
    pub line: usize,
    /// Its place in its node's order.
    pub n: Option<u64>,
    /// The place of the record before, if it was not `n - 1`.
    pub before: Option<u64>,
    /// What it tells of.
    pub record: Record,
}

impl Line {
    /// Whose record it is, as the format spells it.
    pub(super) const fn role(&self) -> &'static str {
        self.record.role()
    }
}

/// One node's records, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Log {
    /// The node's name, or the file's.
    pub node: String,
    /// The records.
    pub lines: Vec<Line>,
}
