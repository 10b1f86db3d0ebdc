//! A run as a table: one row a step, with who took it, what was done and what changed.

use std::fmt::Write as _;

use crate::trace::{Step, Trace};

/// Columns of the last field before it is wrapped.
const CHANGED_WIDTH: usize = 64;

/// The run as a page: what it is of, what it violates, and each step.
#[must_use]
pub fn page(trace: &Trace) -> String {
    let mut page = format!("{}\n\n{}", trace.title(), table(&trace.steps()));
    if let Some(closing) = trace.closing() {
        let _ = writeln!(page, "\n{closing}");
    }
    page
}

/// One row for each step.
#[must_use]
pub fn table(trace: &[Step]) -> String {
    let who = trace.iter().map(|step| step.who.len()).max().unwrap_or(0).max(3);
    let what = trace.iter().map(|step| step.what.len()).max().unwrap_or(0).max(4);
    let mut table = format!("  step  {:who$}  {:what$}  changed\n", "who", "what");
    let _ = writeln!(table, "  ----  {:-<who$}  {:-<what$}  {:-<7}", "", "", "");
    for step in trace {
        let mut lines = wrap(&step.changed).into_iter();
        let first = lines.next().unwrap_or_default();
        let Step { step, who: by, what: done, .. } = step;
        let _ = writeln!(table, "  {step:>4}  {by:who$}  {done:what$}  {first}");
        for line in lines {
            let _ = writeln!(table, "  {:4}  {:who$}  {:what$}  {line}", "", "", "");
        }
    }
    table
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
