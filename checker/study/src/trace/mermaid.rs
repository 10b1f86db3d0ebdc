//! A run as a Mermaid sequence diagram, for pages and issues that draw one from text.

use std::fmt::Write as _;

use syncsplit_model::world::parties::{Course, Party};

use crate::trace::Trace;
use crate::trace::diagram::{Diagram, Note, label};

/// The diagram of `trace`.
#[must_use]
pub fn diagram(trace: &Trace) -> String {
    let diagram = Diagram::new(trace);
    let mut out = String::from("sequenceDiagram\n");
    let mut line = |indent: usize, text: String| {
        let _ = writeln!(out, "{:indent$}{text}", "");
    };
    line(4, format!("title {}", escaped(&diagram.title)));
    for party in &diagram.parties {
        line(4, format!("participant {} as {}", id(*party), party.name()));
    }
    for text in diagram.start.iter().map(note) {
        line(4, text);
    }
    let mut indent = 4;
    for (index, (step, notes)) in diagram.steps.iter().enumerate() {
        if diagram.loop_from == Some(index) {
            line(4, "loop for ever".into());
            indent = 8;
        }
        let (from, to) = (id(step.course.from()), id(step.course.to()));
        let arrow = match step.course {
            Course::Lost { .. } => "--x",
            Course::Within(_) | Course::Passes { .. } => "->>",
        };
        line(indent, format!("{from}{arrow}{to}: {}", escaped(&label(step))));
        for text in notes.iter().map(note) {
            line(indent, text);
        }
    }
    if diagram.loop_from.is_some() {
        line(4, "end".into());
    }
    if let Some((first, last)) = diagram.parties.first().zip(diagram.parties.last()) {
        for text in &diagram.closing {
            line(4, format!("Note over {},{}: {}", id(*first), id(*last), escaped(text)));
        }
    }
    out
}

fn note(note: &Note) -> String {
    let lines: Vec<_> = note.lines.iter().map(|line| escaped(line)).collect();
    format!("Note over {}: {}", id(note.party), lines.join("<br/>"))
}

/// The party's name as a word of Mermaid's.
fn id(party: Party) -> String {
    party.name().replace(' ', "_")
}

/// `text` less what ends a line, an entity or a statement in Mermaid.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '#' => out.push_str("#35;"),
            ';' => out.push_str("#59;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '\n' | '\r' => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
