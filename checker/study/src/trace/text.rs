//! A run as a table: one row a step, with who took it, what was done, the rules that it leans on and what changed.

use std::fmt::Write as _;

use crate::trace::explanation::Explanation;
use crate::trace::{Step, Trace};

/// Columns of the last field before it is wrapped.
const CHANGED_WIDTH: usize = 64;
/// Columns of the rules before they are wrapped.
const RULES_WIDTH: usize = 18;

/// The run as a page: what it is of, what it violates, each step, and why it is a counterexample.
#[must_use]
pub fn page(trace: &Trace) -> String {
    let end = match trace.explanation() {
        Some(explanation) => explanation.paragraph(),
        None => trace.closing().map_or_else(String::new, |closing| format!("\n{closing}\n")),
    };
    format!("{}\n\n{}{end}", trace.title(), table(&trace.steps()))
}

/// The steps of a counterexample, then why it is one.
#[must_use]
pub fn counterexample(steps: &[Step], explanation: Option<&Explanation>) -> String {
    let end = explanation.map_or_else(String::new, Explanation::paragraph);
    format!("{}{end}", table(steps))
}

/// One row for each step. One that departs from the full rules is marked.
#[must_use]
pub fn table(trace: &[Step]) -> String {
    let rules: Vec<_> = trace.iter().map(|step| wrap(&step.rules, " ", RULES_WIDTH)).collect();
    let widest =
        |texts: &mut dyn Iterator<Item = usize>, least| texts.max().unwrap_or(0).max(least);
    let who = widest(&mut trace.iter().map(|step| step.who.len()), 3);
    let what = widest(&mut trace.iter().map(|step| step.what.len()), 4);
    let used = widest(&mut rules.iter().flatten().map(String::len), 5);
    let mut table =
        format!("  step  {:who$}  {:what$}  {:used$}  changed\n", "who", "what", "rules");
    let _ = writeln!(table, "  ----  {:-<who$}  {:-<what$}  {:-<used$}  {:-<7}", "", "", "", "");
    for (step, rules) in trace.iter().zip(rules) {
        let changed = wrap(&step.changed, "; ", CHANGED_WIDTH);
        let mark = if step.departs.is_some() { '*' } else { ' ' };
        let Step { step, who: by, what: done, .. } = step;
        for line in 0..changed.len().max(rules.len()).max(1) {
            let [rules, changed] =
                [&rules, &changed].map(|lines| lines.get(line).map_or("", String::as_str));
            if line == 0 {
                let _ = write!(table, "{mark} {step:>4}  {by:who$}  {done:what$}  ");
            } else {
                let _ = write!(table, "  {:4}  {:who$}  {:what$}  ", "", "", "");
            }
            let _ = writeln!(table, "{}", format!("{rules:used$}  {changed}").trim_end());
        }
    }
    table
}

/// Puts texts side by side as long as they fit.
fn wrap(texts: &[impl AsRef<str>], between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in texts.iter().map(AsRef::as_ref) {
        match lines.last_mut() {
            Some(line) if line.len() + text.len() + between.len() <= width => {
                line.push_str(between);
                line.push_str(text);
            }
            _ => lines.push(text.into()),
        }
    }
    lines
}
