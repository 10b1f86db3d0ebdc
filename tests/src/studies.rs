//! The tables of expected outcomes of `syncsplit ablate` and `syncsplit matrix`, and the pages written from them.
//!
//! `cargo xtask bless` rewrites outcomes and pages, never a hand; the difference is read before it is committed.

use syncsplit_study::{ablate, matrix};

const ABLATIONS: &str = "\
# What `syncsplit ablate` must find without each rule. Rule and instance are written by hand; `cargo xtask bless` rewrites
# the rest: the property and the steps of the shortest counterexample, or `stem` and `loop` where a promise is never kept.
# A row without a property says that nothing breaks.
";

const MATRIX: &str = "\
# What `syncsplit matrix` must find in each cell; `cargo xtask bless` rewrites it. A row without a property says that the
# cell holds; `idle` says that the faults of its column never had an effect there.
";

/// The table of ablations with these rows.
#[must_use]
pub fn ablations(rows: &[ablate::AblationRow]) -> String {
    page(ABLATIONS, rows.iter().map(ablate::AblationRow::line))
}

/// The table of the matrix with these rows.
#[must_use]
pub fn matrix(rows: &[matrix::MatrixRow]) -> String {
    page(MATRIX, rows.iter().map(matrix::MatrixRow::line))
}

fn page(header: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("    {line},\n")).collect();
    format!("{header}\nrows = [\n{lines}]\n")
}
