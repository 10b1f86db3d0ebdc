//! The one place where a verdict becomes an exit code. What a verdict rests on is not looked at here.

use std::process::ExitCode;

use syncsplit_model::world::Verdict;

use crate::print::complain;

/// Why a command has no verdict.
pub(crate) enum Failure {
    /// What was asked for cannot be done: usage, bad input, or a file that cannot be written.
    Unusable(String),
    /// An engine failed, which the report has said already.
    Reported,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Unusable(message)
    }
}

/// How a command ends.
pub(crate) type Ended = Result<Verdict, Failure>;

/// The exit code of a command, after the word on stderr that a failure needs.
pub(crate) fn code(ended: Ended) -> ExitCode {
    ExitCode::from(match ended {
        Ok(verdict) => number(verdict),
        Err(Failure::Reported) => 2,
        Err(Failure::Unusable(message)) => {
            complain(message);
            2
        }
    })
}

/// The exit code that a verdict is.
pub(crate) const fn number(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Holds | Verdict::NoViolationFound => 0,
        Verdict::Violated => 1,
        Verdict::Undecided => 3,
    }
}
