//! The report as one JSON object on stdout.

use std::io::{self, Write};

use crate::report::Report;

/// Prints `report` and a newline.
///
/// # Errors
/// What kept stdout from taking it.
pub fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report)?;
    writeln!(out)?;
    out.flush()
}
