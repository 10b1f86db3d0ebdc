//! What a sequence diagram of a run shows, in whatever form it is drawn: the parties in it, and beside each step what a
//! reader should know of the state.

use syncsplit_model::world::describe;
use syncsplit_model::world::parties::Party;

use crate::trace::{Step, Trace};

/// Fields that the arrows show already.
const IN_FLIGHT: &[&str] = &["frames", "acks", "host messages"];
/// Fields that stand beside the first state: where the run begins.
const AT_THE_START: &[&str] = &["P-VOL", "S/P-VOL", "S-VOL"];

/// What is known of one party at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whose.
    pub party: Party,
    /// Each field as `field: value`; the party's own state comes first and without a name.
    pub lines: Vec<String>,
}

/// A run as a sequence diagram.
#[derive(Clone, Debug)]
pub struct Diagram {
    /// What it shows, in one line.
    pub title: String,
    /// Those who act or are told of, in the order in which they stand side by side.
    pub parties: Vec<Party>,
    /// What is known at the start.
    pub start: Vec<Note>,
    /// Each step with what is known after it.
    pub steps: Vec<(Step, Vec<Note>)>,
    /// Index of the first step of the loop, for a run without end that does not stand still.
    pub loop_from: Option<usize>,
    /// What is said below the last step, a line each: why the run is a counterexample.
    pub closing: Vec<String>,
}

impl Diagram {
    /// The diagram of `trace`.
    #[must_use]
    pub fn new(trace: &Trace) -> Self {
        let world = trace.subject.world();
        let mut start = Vec::new();
        if let Some((_, state)) = trace.path.first() {
            for (field, text) in describe::fields(&world, state) {
                if AT_THE_START.contains(&field) {
                    add(&mut start, Party::owner(field).unwrap_or(Party::Primary), field, &text);
                }
            }
        }
        let steps: Vec<_> = trace.steps().into_iter().map(|step| (notes(&step), step)).collect();
        let mut seen: Vec<Party> = start.iter().map(|note| note.party).collect();
        for (notes, step) in &steps {
            seen.extend([step.course.from(), step.course.to()]);
            seen.extend(notes.iter().map(|note| note.party));
        }
        Self {
            title: trace.title(),
            parties: Party::ALL.iter().copied().filter(|party| seen.contains(party)).collect(),
            start,
            steps: steps.into_iter().map(|(notes, step)| (step, notes)).collect(),
            loop_from: trace.loop_from.filter(|from| *from < trace.len()),
            closing: match trace.explanation() {
                Some(explanation) => explanation.lines(),
                None => trace.closing().into_iter().collect(),
            },
        }
    }
}

/// A step as an arrow's text: its number, what is done, and the rules that it leans on. One that departs from the full rules
/// is marked.
#[must_use]
pub fn label(step: &Step) -> String {
    let mark = if step.departs.is_some() { "* " } else { "" };
    let rules = match step.rules.join(" ") {
        none if none.is_empty() => none,
        rules => format!(" [{rules}]"),
    };
    format!("{mark}{}. {}{rules}", step.step, step.what)
}

/// What is known after `step`, the parties in the order of the diagram.
fn notes(step: &Step) -> Vec<Note> {
    let mut notes = Vec::new();
    for change in step.changes.iter().filter(|change| !IN_FLIGHT.contains(&change.field)) {
        let party = Party::owner(change.field).unwrap_or(step.course.to());
        add(&mut notes, party, change.field, &change.after);
    }
    notes.sort_by_key(|note| note.party);
    notes
}

fn add(notes: &mut Vec<Note>, party: Party, field: &str, text: &str) {
    let index = notes.iter().position(|note| note.party == party).unwrap_or_else(|| {
        notes.push(Note { party, lines: Vec::new() });
        notes.len() - 1
    });
    let lines = &mut notes[index].lines;
    // The state of a party is told in its own column, before the rest.
    if field == party.name() {
        lines.insert(0, text.into());
    } else {
        lines.push(format!("{field}: {text}"));
    }
}
