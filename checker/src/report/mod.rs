//! What a check came to, ready to be printed in any format.

pub mod json;
pub mod text;

use std::io;

use serde::Serialize;
use stateright::Expectation;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Action, State};

use crate::check::{Answer, Question};
use crate::engine::{Discovery, Ending, KindCount, Limit, Outcome, Verdict};
use crate::list;
use crate::trace::{Step, Subject, Trace};

/// The whole result of one check. Serialized, it is the JSON object that `--format json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What it came to.
    pub verdict: Answer,
    /// Name of the instance.
    pub instance: &'static str,
    /// The instance's bounds in words: the verdict holds within them and says nothing beyond.
    pub bounds: String,
    /// Name of the variant.
    pub variant: &'static str,
    /// Ids of the rules left out by name.
    pub without: Vec<&'static str>,
    /// Name of the engine.
    pub engine: &'static str,
    /// Worker threads.
    pub threads: usize,
    /// Why the search ended: `complete`, `violation`, or the limit reached.
    pub ended: &'static str,
    /// Distinct states.
    pub states: u64,
    /// Steps from one state to another.
    pub transitions: u64,
    /// Steps to the farthest state by a shortest path; none where the engine does not know.
    pub depth: Option<u32>,
    /// Wall-clock time.
    pub seconds: f64,
    /// The most memory the process had.
    pub peak_bytes: Option<u64>,
    /// Each property with its verdict.
    pub properties: Vec<PropertyReport>,
    /// How often each kind of action fired, and how often it was the first way into a state.
    pub actions: Vec<ActionReport>,
    /// What a reader should know besides.
    pub notes: Vec<String>,
}

/// One property's verdict.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyReport {
    /// Its name.
    pub name: &'static str,
    /// `always` or `sometimes`.
    pub kind: &'static str,
    /// `holds`, `violated`, `reached`, `unreached` or `undecided`.
    pub verdict: &'static str,
    /// Steps of the shortest trace, if there is one.
    pub steps: Option<usize>,
    /// The shortest counterexample of an `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<Step>>,
}

/// What one kind of action contributed.
#[derive(Clone, Debug, Serialize)]
pub struct ActionReport {
    /// Its name.
    pub action: &'static str,
    /// Transitions it made.
    pub fired: u64,
    /// States it was the first way into.
    pub new_states: u64,
}

impl Report {
    /// Puts the outcome of `question` into words.
    #[must_use]
    pub fn new(question: &Question, outcome: &Outcome<Action, State>) -> Self {
        Self {
            verdict: Answer::of(outcome),
            instance: question.instance.name,
            bounds: list::bounds(&question.instance.bounds),
            variant: question.variant.name(),
            without: question.without.iter().map(|rule| rule.id()).collect(),
            engine: question.engine.name(),
            threads: question.threads,
            ended: ended(outcome.ending),
            states: outcome.distinct,
            transitions: outcome.transitions,
            depth: outcome.depth,
            seconds: outcome.seconds,
            peak_bytes: outcome.peak_bytes,
            properties: properties(question, outcome),
            actions: actions(outcome),
            notes: notes(question, outcome),
        }
    }
}

fn properties(question: &Question, outcome: &Outcome<Action, State>) -> Vec<PropertyReport> {
    outcome
        .properties
        .iter()
        .map(|property| {
            let discovery = outcome.discovery(property.name);
            let counterexample = discovery.filter(|_| property.verdict == Verdict::Violated);
            PropertyReport {
                name: property.name,
                kind: expectation(&property.expectation),
                verdict: match property.verdict {
                    Verdict::Holds => "holds",
                    Verdict::Violated => "violated",
                    Verdict::Reached => "reached",
                    Verdict::Unreachable => "unreached",
                    Verdict::Unknown => "undecided",
                },
                steps: discovery.map(|found| found.trace.len().saturating_sub(1)),
                trace: counterexample.map(|found| trace(question, found).steps()),
            }
        })
        .collect()
}

/// The run that a counterexample is.
#[must_use]
pub fn trace(question: &Question, found: &Discovery<Action, State>) -> Trace {
    let subject = Subject {
        instance: question.instance.name.into(),
        bounds: question.instance.bounds,
        variant: question.variant,
        without: question.without.clone(),
    };
    Trace::new(subject, Some(found.property), &found.trace, None)
}

/// The shortest counterexample of an outcome, the first of them by property.
#[must_use]
pub fn shortest(question: &Question, outcome: &Outcome<Action, State>) -> Option<Trace> {
    let violated = outcome.properties.iter().filter(|p| p.verdict == Verdict::Violated);
    let found = violated.filter_map(|property| outcome.discovery(property.name));
    found.min_by_key(|found| found.trace.len()).map(|found| trace(question, found))
}

/// Every kind of action, those that never happened included; none where the engine does not count them.
fn actions(outcome: &Outcome<Action, State>) -> Vec<ActionReport> {
    if outcome.kinds.is_empty() {
        return Vec::new();
    }
    let counts = outcome.kinds.iter().copied().chain(std::iter::repeat(KindCount::default()));
    let kinds = Action::KINDS.iter().zip(counts);
    kinds
        .map(|(action, count)| ActionReport { action, fired: count.fired, new_states: count.new })
        .collect()
}

fn notes(question: &Question, outcome: &Outcome<Action, State>) -> Vec<String> {
    let mut notes = Vec::new();
    for rule in question.without.iter().filter(|rule| !is_exercised(**rule)) {
        notes.push(format!("{rule} is not exercised by this world: leaving it out shows nothing"));
    }
    if let Ending::Limit(limit) = outcome.ending {
        notes.push(format!("the limit of {} was reached; nothing is claimed", limit_name(limit)));
    }
    if outcome.ending == Ending::Complete {
        let never: Vec<_> = actions(outcome)
            .iter()
            .filter(|kind| kind.fired == 0)
            .map(|kind| kind.action)
            .collect();
        if !never.is_empty() {
            notes.push(format!("these actions never happened: {}", never.join(", ")));
        }
    }
    notes
}

/// Whether some action of this world can meet the rule. Creation, takeover and quiescing have no action yet.
#[must_use]
pub const fn is_exercised(rule: Rule) -> bool {
    !matches!(rule, Rule::Pair1 | Rule::Takeover1 | Rule::Takeover2 | Rule::Quiesce1)
}

const fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::Violation => "violation",
        Ending::Limit(limit) => limit_name(limit),
    }
}

const fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Time => "time",
        Limit::States => "states",
        Limit::Memory => "memory",
        Limit::Interrupted => "interrupt",
        Limit::Ids => "state numbers",
    }
}

/// A reader that closed the pipe has read what it wanted; any other failure stays one.
///
/// # Errors
/// The failure, unless it is a closed pipe.
pub fn reader_left(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The word for a kind of property.
#[must_use]
pub const fn expectation(kind: &Expectation) -> &'static str {
    match kind {
        Expectation::Always => "always",
        Expectation::Sometimes => "sometimes",
        Expectation::Eventually => "eventually",
    }
}

/// A count with separators: 1,234,567.
#[must_use]
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
