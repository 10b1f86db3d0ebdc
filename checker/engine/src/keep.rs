//! What a run keeps on disk so that another one can go on with it: what is asked for, and what
//! came of it.
//!
//! Never here: how such a file is written or read; see `packed::checkpoint`.

use super::{Failure, SearchOutcome};
use ::stateright::Model;
use std::fmt;
use std::path::{Path, PathBuf};

/// What of a run is kept on disk. By default nothing is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep<'a> {
    /// What the run is about, by name: whatever decides what a complete run finds, and that the
    /// engine cannot see for itself. A file about anything else is refused.
    pub about: &'a [(&'static str, String)],
    /// Whatever else decides it and has no name. It is compared where nothing of the above differs.
    pub besides: &'a str,
    /// The same in a few words, for whoever finds the file.
    pub title: &'a str,
    /// The file to go on with.
    pub resume: Option<&'a Path>,
    /// Where to write if a limit ends the run. What was there stays until all is written.
    pub write: Option<&'a Path>,
}

/// What came of a run of which something may be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptOutcome<A, S> {
    /// What it found, as if it had never been interrupted: only time and memory are this run's.
    pub outcome: SearchOutcome<A, S>,
    /// Where it began, unless that was at the beginning.
    pub resumed: Option<Resumed>,
    /// What was written; `None` if no limit ended the run, or nobody asked.
    pub written: Option<Result<Written, CheckpointError>>,
}

/// [`KeptOutcome`] for the model `M`.
pub type KeptRun<M> = Result<KeptOutcome<<M as Model>::Action, <M as Model>::State>, Failure<M>>;

/// Where a run took up what another had left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// States that were known.
    pub states: u64,
    /// Steps to the states that were being expanded; `None` if there were none yet.
    pub depth: Option<u32>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// States, those of the level under way included.
    pub states: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a checkpoint was not read or not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: Spoilt,
}

/// What is wrong with a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoilt {
    /// The system does not let it be read.
    Unreadable(String),
    /// The system does not let it be written.
    Unwritable(String),
    /// It is a folder, a device or the like.
    NotAFile,
    /// It is something else.
    NotACheckpoint {
        /// How it begins.
        begins: String,
    },
    /// It is laid out in a way that this version does not know.
    Format {
        /// The format it says it has.
        found: String,
        /// The one that is read.
        valid: String,
    },
    /// It has fewer or more bytes than it says.
    Length {
        /// How many it has.
        found: u64,
        /// How many it says, or how many it needs at least.
        valid: u64,
    },
    /// A part of it does not have the checksum that stands behind it.
    Altered {
        /// Which part.
        part: &'static str,
    },
    /// Its checksums are right, and it still says what no search can have found.
    Contradicts {
        /// What it says.
        what: &'static str,
    },
    /// It was written by a run that asked something else.
    Differs {
        /// What that run was about.
        title: String,
        /// In what, at least one.
        differences: Vec<Difference>,
    },
    /// There is less memory than its states need.
    NoRoom {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are allowed.
        limit: u64,
    },
}

/// One thing in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What the file says.
    pub found: Option<String>,
    /// What this run asks.
    pub asked: Option<String>,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match &self.why {
            Spoilt::Unreadable(error) => write!(
                f,
                " could not be read: {error}; a checkpoint is a file that a run wrote when a \
                 limit ended it"
            ),
            Spoilt::Unwritable(error) => {
                write!(f, " could not be written: {error}; what was there before is as it was")
            }
            Spoilt::NotAFile => f.write_str(" is a folder or a device; a plain file is needed"),
            Spoilt::NotACheckpoint { begins } => {
                write!(f, " is not a checkpoint: it begins with {begins}")
            }
            Spoilt::Format { found, valid } => {
                write!(f, " is a checkpoint of format {found:?}; this version reads {valid:?}")
            }
            Spoilt::Length { found, valid } => write!(
                f,
                " is truncated, or something was added: it has {found} bytes, and should have \
                 {valid}"
            ),
            Spoilt::Altered { part } => {
                write!(f, " was altered: the checksum of {part} is not the one that stands there")
            }
            Spoilt::Contradicts { what } => write!(f, " contradicts itself: {what}"),
            Spoilt::Differs { title, differences } => differ(f, title, differences),
            Spoilt::NoRoom { needed, limit } => write!(
                f,
                " needs {needed} bytes of memory before the search can go on; the limit is {limit}"
            ),
        }
    }
}

impl std::error::Error for CheckpointError {}

fn differ(f: &mut fmt::Formatter<'_>, title: &str, differences: &[Difference]) -> fmt::Result {
    write!(f, " is a checkpoint of another check, {title:?}")?;
    for (at, difference) in differences.iter().enumerate() {
        let comma = if at == 0 { ": " } else { "; " };
        write!(f, "{comma}{difference}")?;
    }
    f.write_str("; only the check that wrote it can go on with it, on any threads and limits")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, found, asked } = self;
        let [there, here] = [found, asked].map(|side| side.as_deref().unwrap_or_default());
        let items = |side: &'_ str| side.split(", ").map(str::to_owned).collect::<Vec<_>>();
        let (there_items, here_items) = (items(there), items(here));
        let only = |these: &[String], those: &[String]| {
            let only = these.iter().filter(|item| !those.contains(item));
            let only = only.cloned().collect::<Vec<_>>().join(", ");
            if only.is_empty() { "nothing".into() } else { format!("{only:?}") }
        };
        // Of long lists the difference is shown.
        match there_items.len().max(here_items.len()) {
            0..=2 => write!(f, "{name} is {there:?} there and {here:?} here"),
            _ => {
                let (there, here) =
                    (only(&there_items, &here_items), only(&here_items, &there_items));
                write!(f, "{name} has {there} only there and {here} only here")
            }
        }
    }
}
