//! The tables of expected outcomes of `syncsplit ablate` and `syncsplit matrix`, and the pages written from them.
//!
//! `cargo xtask pin` rewrites outcomes and pages, never a hand; the difference is read before it is committed.

use std::fs;

use syncsplit_study::{ablate, matrix};

use crate::source::{Finding, root};

const ABLATIONS: &str = "\
# What `syncsplit ablate` must find without each rule. Rule and instance are written by hand; `cargo xtask pin` rewrites
# the rest: the property and the steps of the shortest counterexample, or `stem` and `loop` where a promise is never kept.
# A row without a property says that nothing breaks.
";

const MATRIX: &str = "\
# What `syncsplit matrix` must find in each cell; `cargo xtask pin` rewrites it. A row without a property says that the
# cell holds; `idle` says that the faults of its column never had an effect there.
";

/// The table of ablations with these rows.
#[must_use]
pub fn ablations(rows: &[ablate::Row]) -> String {
    page(ABLATIONS, rows.iter().map(ablate::Row::line))
}

/// The table of the matrix with these rows.
#[must_use]
pub fn matrix(rows: &[matrix::Row]) -> String {
    page(MATRIX, rows.iter().map(matrix::Row::line))
}

fn page(header: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("    {line},\n")).collect();
    format!("{header}\nrows = [\n{lines}]\n")
}

/// Writes `text` to a file of the repository.
///
/// # Errors
/// What kept the file from being written.
pub fn write(path: &str, text: &str) -> Result<(), Finding> {
    fs::write(root().join(path), text).map_err(|error| format!("{path}: {error}"))
}

/// Whether a file of the repository says `text` and nothing else.
///
/// # Errors
/// The first line that is not current.
pub fn is_current(path: &str, text: &str) -> Result<(), Finding> {
    let found = fs::read_to_string(root().join(path)).map_err(|e| format!("{path}: {e}"))?;
    if found == text {
        return Ok(());
    }
    let differing = found.lines().zip(text.lines()).position(|(ours, theirs)| ours != theirs);
    let line = differing.unwrap_or_else(|| found.lines().count().min(text.lines().count())) + 1;
    Err(format!("{path}:{line}: not current; `cargo xtask pin` rewrites it"))
}
