//! What a question about a world comes to. Every command and every report has this one answer; which exit code it is,
//! and in which words it is printed, is not decided here.

use core::fmt;

use serde::{Serialize, Serializer};

/// What a question comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// What was asked about is true, within the bounds that stand beside it.
    Holds,
    /// Nothing false was found in what was looked at, which is not everything.
    NoViolationFound,
    /// Something is false, and there is a run that shows it.
    Violated,
    /// A limit was reached before the question was settled, or nothing was asked.
    Undecided,
}

impl Verdict {
    /// The verdict in reports that a program reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::NoViolationFound => "no-violation-found",
            Self::Violated => "violated",
            Self::Undecided => "undecided",
        }
    }
}

/// As the first word of a report for a person: `NO VIOLATION FOUND`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "HOLDS",
            Self::NoViolationFound => "NO VIOLATION FOUND",
            Self::Violated => "VIOLATED",
            Self::Undecided => "UNDECIDED",
        })
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
