//! The trace: every protocol event that a thread takes, in the order in which it took effect.
//!
//! # Format
//! NDJSON, one record a line, in rising `n`; docs/trace-format.md says all of it:
//!
//! ```json
//! {"n":17,"role":"primary","event":{"HostWrite":{"block":3,"payload":"9ae0daaf"}},"refused":null,
//!  "after":{"state":"PAIR","incarnation":1,"newest":9,"written":7,"journal":[8,9],"dirty":[],"mark":null,
//!           "pending":null,"quiesced":null},
//!  "effects":[{"WritePvol":{"block":3,"payload":"9ae0daaf"}},"AnswerHost"]}
//! ```
//!
//! | field | is |
//! |---|---|
//! | `n` | place in the one order of all records of this trace, from 0 |
//! | `role` | `primary`, `secondary`, `sync`, `database`, `coordinator`, `requester`; or `start`, `fault` |
//! | `event` | the event, as the role's transition function names it; a message is part of it |
//! | `refused` | the reason when the transition function refused; then `after` is the state before, `effects` is empty |
//! | `after` | the role's state after the step; sets of blocks and seqs as rising lists |
//! | `effects` | what the executor performs next, in this order |
//!
//! A payload is written as its digest, CRC-32C in eight hex digits. `start` records, one for each side, come before
//! the side's first event and say how large its containers are; volumes begin filled with zeros and no pair exists. At a
//! failback the sides change roles and each starts once more: its record has a field `from`, the state in which it goes on
//! from what its old role handed over, and its volume is the one it had.
//! A `fault` record says that the effect numbered `effect` of record `of` failed, and with what.
//!
//! # Why the order is the true one
//! A record is written with the role's lock held, after the step and before its effects; `n` is given by the sink
//! at that moment. Another role learns of a step only through its effects, so what was caused always has the
//! greater `n`:
//! 1. The primary's lock is taken, a write gets seq 8, the record gets `n` 20, the entry can be sent from now on.
//! 2. The lock is given up; the sender takes it, and the message leaves with a greater `n`.
//! 3. The secondary records its arrival with a greater one still.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use syncsplit_model::record::{Digest, RoleRecord, Taken, TraceRecord};

use syncsplit_model::record::Fault;

use crate::payload::Payload;

/// Contents as records show them.
pub(crate) fn digest(payload: &Payload) -> Digest {
    Digest(payload.digest())
}

/// Where records go. The sinks lock with `std`'s mutex whatever the doorway chose: they are reached with a role's
/// lock held, and the order in which two roles' unrelated records are numbered is nothing to explore.
pub trait TraceSink: Send + Sync {
    /// Whether records are wanted; building one costs a walk over the role's containers.
    fn is_on(&self) -> bool {
        true
    }

    /// Gives the record its number and keeps it. A sink that fails keeps the error for whoever owns it: a trace that
    /// cannot be written must not stop the site.
    fn record(&self, role: RoleRecord) -> u64;

    /// Records that the effect numbered `effect` of record `of` failed.
    fn fault(&self, of: u64, effect: usize, error: &dyn fmt::Display) {
        self.record(RoleRecord::Fault(Fault { of, effect, error: Some(error.to_string()) }));
    }
}

/// No trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl TraceSink for NoTrace {
    fn is_on(&self) -> bool {
        false
    }

    fn record(&self, _role: RoleRecord) -> u64 {
        0
    }
}

/// A trace in memory, for scenarios whose every execution is replayed.
#[derive(Debug, Default)]
pub struct MemoryTrace(Mutex<Vec<TraceRecord>>);

impl MemoryTrace {
    /// An empty trace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The records so far.
    #[must_use]
    pub fn records(&self) -> Vec<TraceRecord> {
        lock(&self.0).clone()
    }
}

impl TraceSink for MemoryTrace {
    fn record(&self, role: RoleRecord) -> u64 {
        let mut records = lock(&self.0);
        let n = records.len() as u64;
        records.push(TraceRecord { n, role });
        n
    }
}

/// A trace in a file, one record a line.
pub struct FileTrace(Mutex<Lines>);

struct Lines {
    writer: BufWriter<File>,
    n: u64,
    /// The first failure; nothing is written after it, so that the file ends early instead of having a hole.
    failed: Option<io::Error>,
}

impl FileTrace {
    /// A trace in a new file at `path`; what stood there before is gone.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let writer = BufWriter::new(File::create(path)?);
        Ok(Self(Mutex::new(Lines { writer, n: 0, failed: None })))
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// The first failure since the trace was made or this was last called; records after it are missing.
    pub fn flush(&self) -> io::Result<()> {
        let mut lines = lock(&self.0);
        match lines.failed.take() {
            Some(error) => Err(error),
            None => lines.writer.flush(),
        }
    }
}

impl TraceSink for FileTrace {
    fn record(&self, role: RoleRecord) -> u64 {
        let mut lines = lock(&self.0);
        let n = lines.n;
        lines.n += 1;
        if lines.failed.is_none() {
            let line = serde_json::to_vec(&TraceRecord { n, role });
            let written = line.map_err(io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                lines.writer.write_all(&line)
            });
            lines.failed = written.err();
        }
        n
    }
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("line {line}: cannot read the trace: {source}")]
    Io {
        /// The line, from 1.
        line: usize,
        /// What the system answered.
        source: io::Error,
    },
    /// The line is no record.
    #[error("line {line} is not a trace record: {source}")]
    NoRecord {
        /// The line, from 1.
        line: usize,
        /// The text is malformed.
        source: serde_json::Error,
    },
    /// The numbers do not rise by one.
    #[error("line {line}: the record is number {got}, number {want} was expected")]
    OutOfOrder {
        /// The line, from 1.
        line: usize,
        /// The record's number.
        got: u64,
        /// The number after the record before.
        want: u64,
    },
}

/// Reads a trace back, and checks that no record is missing between its first and its last.
///
/// # Errors
/// The input cannot be read, a line is no record, or a record is missing.
pub fn read_trace(input: impl BufRead) -> Result<Vec<TraceRecord>, TraceError> {
    let mut records: Vec<TraceRecord> = Vec::new();
    for (index, text) in input.lines().enumerate() {
        let line = index + 1;
        let text = text.map_err(|source| TraceError::Io { line, source })?;
        let record: TraceRecord =
            serde_json::from_str(&text).map_err(|source| TraceError::NoRecord { line, source })?;
        let want = records.last().map_or(record.n, |last| last.n + 1);
        if record.n != want {
            return Err(TraceError::OutOfOrder { line, got: record.n, want });
        }
        records.push(record);
    }
    Ok(records)
}

/// The lock, whoever panicked in it: records are whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent, PrimaryRefusal};
    use syncsplit_model::protocol::{BlockIndex, PairState, Seq};
    use syncsplit_model::record::PrimaryAfter;

    fn write(refused: Option<PrimaryRefusal>) -> RoleRecord {
        let payload = Digest(0x00e0_daaf);
        let block = BlockIndex(3);
        RoleRecord::Primary(Taken {
            event: PrimaryEvent::HostWrite { block, payload },
            refused,
            after: PrimaryAfter {
                state: PairState::Pair,
                journal: vec![Seq(8), Seq(9)],
                ..PrimaryAfter::default()
            },
            effects: vec![PrimaryEffect::WritePvol { block, payload }, PrimaryEffect::AnswerHost],
        })
    }

    #[test]
    fn a_record_is_the_line_that_the_format_shows() -> Result<(), serde_json::Error> {
        let line = serde_json::to_string(&TraceRecord { n: 17, role: write(None) })?;
        let want = concat!(
            r#"{"n":17,"role":"primary","event":{"HostWrite":{"block":3,"payload":"00e0daaf"}},"refused":null,"#,
            r#""after":{"state":"PAIR","incarnation":0,"newest":0,"written":0,"journal":[8,9],"dirty":[],"#,
            r#""mark":null,"pending":null,"quiesced":null},"#,
            r#""effects":[{"WritePvol":{"block":3,"payload":"00e0daaf"}},"AnswerHost"]}"#,
        );
        assert_eq!(line, want);
        Ok(())
    }

    #[test]
    fn a_file_is_read_back_as_it_was_recorded() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("trace.ndjson");
        let (file, memory) = (FileTrace::create(&path)?, MemoryTrace::new());
        for sink in [&file as &dyn TraceSink, &memory] {
            sink.record(write(None));
            sink.record(write(Some(PrimaryRefusal::JournalFull)));
        }
        file.flush()?;
        let read = read_trace(io::BufReader::new(File::open(&path)?))?;
        assert_eq!(read, memory.records());
        Ok(())
    }

    #[test]
    fn a_missing_record_is_told_with_its_line() -> Result<(), serde_json::Error> {
        let mut text = String::new();
        for n in [4, 5, 7] {
            text += &serde_json::to_string(&TraceRecord { n, role: write(None) })?;
            text.push('\n');
        }
        let error = read_trace(text.as_bytes()).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("line 3: the record is number 7, number 6 was expected"));
        Ok(())
    }
}
