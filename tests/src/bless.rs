//! What stands in the repository as it is found: compared with what is found now, or rewritten by it. No file is named
//! here, and nothing is searched.

use std::env;
use std::fs;

use crate::source::{Finding, root};

/// Whether what is found is written rather than compared, as `cargo xtask bless` has it.
#[must_use]
pub fn is_on() -> bool {
    env::var_os("BLESS").is_some()
}

/// Reads a file of the repository.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &str) -> Result<String, Finding> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

/// Compares a file of the repository with `text`, or writes it.
///
/// # Errors
/// The first line that is not current, or what kept the file from being read or written.
pub fn settle(path: &str, text: &str) -> Result<(), Finding> {
    if is_on() {
        return fs::write(root().join(path), text).map_err(|error| format!("{path}: {error}"));
    }
    let found = read(path)?;
    if found == text {
        return Ok(());
    }
    let differing = found.lines().zip(text.lines()).position(|(ours, theirs)| ours != theirs);
    let at = differing.unwrap_or_else(|| found.lines().count().min(text.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(no such line)").to_owned();
    Err(format!(
        "{path}:{}: not current; `cargo xtask bless` rewrites it\n  there  {}\n  found  {}",
        at + 1,
        line(&found),
        line(text)
    ))
}
