//! A run as a table: one row a step, with who took it, what was done and what changed.

use std::io::{self, Write};

use crate::trace::{Step, Trace};

/// Columns of the last field before it is wrapped.
const CHANGED_WIDTH: usize = 64;

/// Writes the run as a page: what it is of, what it violates, and each step.
///
/// # Errors
/// What kept `out` from taking it.
pub fn page(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}\n", trace.title())?;
    table(&trace.steps(), out)?;
    if let Some(from) = trace.loop_from {
        writeln!(
            out,
            "\nAfter step {} the run goes on with step {} for ever.",
            trace.len(),
            from + 1
        )?;
    }
    Ok(())
}

/// Writes one row for each step.
///
/// # Errors
/// What kept `out` from taking it.
pub fn table(trace: &[Step], out: &mut impl Write) -> io::Result<()> {
    let who = trace.iter().map(|step| step.who.len()).max().unwrap_or(0).max(3);
    let what = trace.iter().map(|step| step.what.len()).max().unwrap_or(0).max(4);
    writeln!(out, "  step  {:who$}  {:what$}  changed", "who", "what")?;
    writeln!(out, "  ----  {:-<who$}  {:-<what$}  {:-<7}", "", "", "")?;
    for step in trace {
        let mut lines = wrap(&step.changed).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(out, "  {:>4}  {:who$}  {:what$}  {first}", step.step, step.who, step.what)?;
        for line in lines {
            writeln!(out, "  {:4}  {:who$}  {:what$}  {line}", "", "", "")?;
        }
    }
    Ok(())
}

/// Puts changes side by side as long as they fit.
fn wrap(changed: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for change in changed {
        match lines.last_mut() {
            Some(line) if line.len() + change.len() + 2 <= CHANGED_WIDTH => {
                line.push_str("; ");
                line.push_str(change);
            }
            _ => lines.push(change.clone()),
        }
    }
    lines
}
