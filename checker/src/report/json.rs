//! The report as one JSON object on stdout.

use std::io::{self, Write};

use serde::Serialize;

/// Prints `report` and a newline.
///
/// # Errors
/// What kept stdout from taking it.
pub fn print(report: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report)?;
    writeln!(out)?;
    out.flush()
}
