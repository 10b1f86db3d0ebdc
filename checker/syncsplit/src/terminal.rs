//! What the terminal is like that reads stdout. What is printed there is not decided here.

use std::io::{self, IsTerminal};

use terminal_size::{Width, terminal_size};

/// Columns that a terminal has at least: a table is not made narrower.
const COLUMNS_MIN: u16 = 60;

/// Columns of the terminal that stdout is; none for a pipe or a file, whose lines are as long as they are.
pub(crate) fn columns() -> Option<u16> {
    let (Width(columns), _) = terminal_size().filter(|_| io::stdout().is_terminal())?;
    Some(columns.max(COLUMNS_MIN))
}
