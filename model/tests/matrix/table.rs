//! A table of steps as aligned text. What a role's states look like is not known here.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};

use syncsplit_model::protocol::step::Step;

use super::show::changes;

/// The widths of the columns are those of their widest cells.
const COLUMNS: [&str; 5] = ["state", "event", "next", "effects", "refused"];

/// One step.
struct Row([String; COLUMNS.len()]);

/// Steps in the order of their states, then of their events.
pub(crate) struct Table {
    legend: &'static str,
    rows: Vec<Row>,
}

/// What a step came to, in words.
pub(crate) struct Outcome {
    /// What changed in the state; empty when nothing did.
    pub(crate) changes: String,
    /// The effects, in order.
    pub(crate) effects: Vec<String>,
    /// Why it was refused.
    pub(crate) refused: Option<String>,
}

/// A role's words.
pub(crate) struct Words<S, E, F, const N: usize> {
    /// The fields of a state.
    pub(crate) fields: fn(&S) -> [(&'static str, String); N],
    /// An event.
    pub(crate) event: fn(&E) -> String,
    /// An effect.
    pub(crate) effect: fn(&F) -> String,
}

impl Table {
    /// A table that opens with `legend`, a line of text or several.
    pub(crate) fn new(legend: &'static str) -> Self {
        Self { legend, rows: Vec::new() }
    }

    /// Adds what `step` does in the state `before`, which is called `name`, on each event.
    pub(crate) fn push_steps<S: PartialEq, E, F, R: Display, const N: usize>(
        &mut self,
        (name, before): (&str, &S),
        events: impl IntoIterator<Item = E>,
        step: impl Fn(&S, E) -> Step<S, F, R>,
        words: &Words<S, E, F, N>,
    ) {
        for event in events {
            let event_words = (words.event)(&event);
            let Step { state, effects, refused } = step(before, event);
            let changes = changes((words.fields)(before), (words.fields)(&state));
            assert_eq!(state == *before, changes.is_empty(), "{name}: a field is not shown");
            let effects = effects.iter().map(words.effect).collect();
            let refused = refused.map(|refusal| refusal.to_string());
            self.push(name, &event_words, Outcome { changes, effects, refused });
        }
    }

    /// Adds the step from `state` on `event`. A refusal that changed or did something is a bug in any role.
    pub(crate) fn push(&mut self, state: &str, event: &str, outcome: Outcome) {
        let Outcome { changes, effects, refused } = outcome;
        let idle = changes.is_empty() && effects.is_empty();
        assert!(refused.is_none() || idle, "{event} in {state} was refused and did {changes}");
        let next = if changes.is_empty() { "same".into() } else { changes };
        let effects = if effects.is_empty() { "-".into() } else { effects.join(", ") };
        let refused = refused.unwrap_or_else(|| "-".into());
        self.rows.push(Row([state.into(), event.into(), next, effects, refused]));
    }

    /// Asserts that the first words of the events are `verbs`, no more and no fewer.
    pub(crate) fn assert_verbs(&self, verbs: &[&str]) {
        let first = |row: &Row| row.0[1].split(' ').next().unwrap_or_default().to_owned();
        let found: BTreeSet<String> = self.rows.iter().map(first).collect();
        let wanted: BTreeSet<String> = verbs.iter().map(|verb| (*verb).to_owned()).collect();
        assert_eq!(found, wanted, "events of the table on the left, of the role on the right");
    }

    /// The whole file.
    pub(crate) fn text(&self) -> String {
        let head = Row(COLUMNS.map(String::from));
        let widths: [usize; COLUMNS.len()] = std::array::from_fn(|column| {
            let cells = self.rows.iter().chain([&head]).map(|row| row.0[column].chars().count());
            cells.max().unwrap_or_default()
        });
        let mut text = String::new();
        for line in self.legend.lines() {
            writeln!(text, "{}", format!("# {line}").trim_end()).unwrap();
        }
        let mut last = "";
        for row in [&head].into_iter().chain(&self.rows) {
            // A line between states; the state itself stands on each row, so that a search finds whole rows.
            if row.0[0] != last {
                text.push('\n');
                last = &row.0[0];
            }
            let cells = row.0.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(text, "{}", cells.collect::<Vec<_>>().join(" | ").trim_end()).unwrap();
        }
        text
    }
}
