//! What is written on stdout and stderr. What it says is not decided here.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use quick_junit::Report as Junit;
use serde::Serialize;
use syncsplit_study::report::junit::{self, xml};
use syncsplit_study::trace::Trace;
use syncsplit_study::trace::file::TraceFile;

use crate::terminal;

/// Where a report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Where reports go.
    Stdout,
    /// Where they go while stdout takes something else.
    Stderr,
}

impl Stream {
    /// The stream of a report beside which a run goes to `file`.
    pub(crate) fn beside(file: Option<&TraceFile>) -> Self {
        if file.is_some_and(TraceFile::is_stdout) { Self::Stderr } else { Self::Stdout }
    }

    /// Prints a text that ends its own last line.
    ///
    /// # Errors
    /// The stream fails, in a sentence; a reader who closed the pipe has read all that was wanted.
    pub(crate) fn text(self, text: impl Display) -> Result<(), String> {
        match self {
            Self::Stdout => self.write(&terminal::dressed(text.to_string())),
            Self::Stderr => self.write(&text.to_string()),
        }
    }

    /// Prints one JSON value and a newline.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(crate) fn json(self, report: &impl Serialize) -> Result<(), String> {
        let json = serde_json::to_string_pretty(report);
        self.write(&(json.map_err(unwritten)? + "\n"))
    }

    /// Prints JUnit XML and a newline.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(crate) fn junit(self, report: &Junit) -> Result<(), String> {
        self.write(&xml(report).map_err(unwritten)?)
    }

    fn write(self, text: &str) -> Result<(), String> {
        let written = match self {
            Self::Stdout => write_to(&mut io::stdout().lock(), text),
            Self::Stderr => write_to(&mut io::stderr().lock(), text),
        };
        written.map_err(unwritten)
    }
}

fn write_to(out: &mut impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn unwritten(error: impl Display) -> String {
    format!("the report could not be written: {error}")
}

/// Prints a text on stdout, as [`Stream::text`].
pub(crate) fn text(text: impl Display) -> Result<(), String> {
    Stream::Stdout.text(text)
}

/// Prints one JSON value on stdout, as [`Stream::json`].
pub(crate) fn json(report: &impl Serialize) -> Result<(), String> {
    Stream::Stdout.json(report)
}

/// Prints JUnit XML on stdout, as [`Stream::junit`].
pub(crate) fn junit(report: &Junit) -> Result<(), String> {
    Stream::Stdout.junit(report)
}

/// Says in JUnit XML that a command was not asked what it can answer, if that is the form of its reports: a file of nothing
/// is no report.
///
/// # Errors
/// What was refused.
pub(crate) fn refused<T>(
    command: &str,
    is_junit: bool,
    asked: Result<T, String>,
) -> Result<T, String> {
    asked.inspect_err(|why| {
        if is_junit {
            // The refusal is said on stderr, whatever becomes of stdout.
            let _ = junit(&junit::refused(command, why));
        }
    })
}

/// Writes `trace`, if there is one, to the file that was asked for, and says what the user should know besides.
///
/// # Errors
/// The file or stdout cannot be written: the sentence says why.
pub(crate) fn trace(file: Option<&TraceFile>, trace: Option<&Trace>) -> Result<(), String> {
    match (file, trace) {
        (Some(file), Some(trace)) if file.is_stdout() => {
            Stream::Stdout.write(&file.text(trace).map_err(unwritten)?)
        }
        (Some(file), trace) => {
            file.offer(trace)?.into_iter().for_each(note);
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

/// Says on stderr what has gone wrong.
pub(crate) fn complain(message: impl Display) {
    eprintln!("error: {message}");
}

/// Says on stderr what the user should know besides the report.
pub(crate) fn note(message: impl Display) {
    eprintln!("{message}");
}
