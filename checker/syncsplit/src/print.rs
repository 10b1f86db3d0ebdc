//! What is written on stdout and stderr. What it says is not decided here.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use quick_junit::Report as Junit;
use serde::Serialize;

/// Prints a text that ends its own last line.
///
/// # Errors
/// Stdout fails, in a sentence; a reader who closed the pipe has read all that was wanted.
pub(crate) fn text(text: impl Display) -> Result<(), String> {
    to_stdout(text).map_err(|error| format!("the report could not be written: {error}"))
}

/// Prints one JSON value and a newline.
///
/// # Errors
/// As [`text`].
pub(crate) fn json(report: &impl Serialize) -> Result<(), String> {
    let json = serde_json::to_string_pretty(report);
    text(json.map_err(|error| format!("the report could not be written: {error}"))? + "\n")
}

/// Prints JUnit XML and a newline.
///
/// # Errors
/// As [`text`].
pub(crate) fn junit(report: &Junit) -> Result<(), String> {
    let xml = report.to_string();
    let xml = xml.map_err(|error| format!("the report could not be written: {error}"))?;
    text(xml.trim_end().to_owned() + "\n")
}

fn to_stdout(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
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
