//! What a check came to, ready to be printed in any format.

pub mod expected;
pub mod junit;
pub mod text;
use serde::Serialize;
use syncsplit_engine::liveness::{Lasso, PromiseResult};
use syncsplit_engine::packed::missed_at_most;
use syncsplit_engine::{Discovery, Ending, Limit, PropertyResult, SearchOutcome, Store};
use syncsplit_model::world::{Action, State, Verdict, WorldProperty};

use crate::bounds;
use crate::coverage::{self, ActionReport, FaultReport};
use crate::question::{self, Question};
use crate::reduce::Reduction;
use crate::report::expected::ExpectedReport;
use crate::trace::explanation::Explanation;
use crate::trace::{Step, Subject, Trace};
use crate::words::expectation;

/// The whole result of one check. Serialized, it is the JSON object that `--format json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What it came to.
    pub verdict: Verdict,
    /// Name of the instance, or the path of its file.
    pub instance: String,
    /// The instance's bounds in words: the verdict holds within them and says nothing beyond.
    pub bounds: String,
    /// Name of the variant.
    pub variant: &'static str,
    /// Ids of the rules left out by name.
    pub without: Vec<&'static str>,
    /// Name of the engine.
    pub engine: &'static str,
    /// The reductions in use. With any but `sleep`, all counts are those of the reduced space.
    pub reductions: Vec<&'static str>,
    /// What was kept of each state: `exact` or `fingerprint`.
    pub store: &'static str,
    /// Which fingerprints, where the store keeps no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The probability that a state was missed is at most this; none where every state was kept, and the search is
    /// exhaustive if it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed_at_most: Option<f64>,
    /// Worker threads.
    pub threads: usize,
    /// Why the search ended: `complete`, `violation`, or the limit reached.
    pub ended: &'static str,
    /// Distinct states. If a limit ended the search: those reached in `depth` steps or fewer, where the depth is known.
    pub states: u64,
    /// Steps from one state to another. If a limit ended the search: those out of states nearer than `depth`.
    pub transitions: u64,
    /// Steps to the farthest state by a shortest path; none where the engine does not know. If a limit ended the search:
    /// the deepest level of which every state was seen and checked.
    pub depth: Option<u32>,
    /// Wall-clock time.
    pub seconds: f64,
    /// The most memory the process had.
    pub peak_bytes: Option<u64>,
    /// Each property with its verdict.
    pub properties: Vec<PropertyReport>,
    /// How often each kind of action fired, and how often it was the first way into a state; in the reduced space, if
    /// there are reductions.
    pub actions: Vec<ActionReport>,
    /// How often each fault of the instance had an effect.
    pub faults: Vec<FaultReport>,
    /// What this run did not exercise, though the world has it.
    pub warnings: Vec<String>,
    /// Questions that never arose, each with what would make it arise. Their properties hold for want of anything happening.
    pub unexercised: Vec<Unexercised>,
    /// How the outcome compares with what the instance expects, if it expects anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedReport>,
    /// What a reader should know besides.
    pub notes: Vec<String>,
}

/// A property or promise whose question never arose in the whole space.
#[derive(Clone, Debug, Serialize)]
pub struct Unexercised {
    /// Its name.
    pub property: &'static str,
    /// What a world needs so that the question arises.
    pub needs: String,
}

/// One property's verdict.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyReport {
    /// Its name.
    pub name: &'static str,
    /// `always`, `sometimes` or `promise`.
    pub kind: &'static str,
    /// `holds`, `violated`, `reached`, `unreached`, `not exercised` or `undecided`.
    pub verdict: &'static str,
    /// Steps of the shortest trace, if there is one; of a lasso's stem.
    pub steps: Option<usize>,
    /// Steps of a lasso's loop; 0 if the run stands still after the stem.
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    pub cycle: Option<usize>,
    /// The shortest counterexample of an `always`; of a promise the stem, then the loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<Step>>,
    /// Why the trace is a counterexample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

impl Report {
    /// Puts the outcome of `question` into words.
    #[must_use]
    pub fn new(question: &Question, outcome: &SearchOutcome<Action, State>) -> Self {
        let world = question.world();
        // What is taken at once is counted for no action, so that none can be said never to happen.
        let is_ordered = question.reduce.contains(&Reduction::Order);
        let seed = match question.store {
            Store::Exact => None,
            Store::Fingerprint { seed } => Some(seed),
        };
        let mut report = Self {
            verdict: question::verdict(question, outcome),
            instance: question.instance.name.clone(),
            bounds: bounds::in_words(&question.instance.bounds),
            variant: question.variant.name(),
            without: question.without.iter().map(|rule| rule.id()).collect(),
            engine: question.engine.name(),
            reductions: question.reduce.iter().map(|reduction| reduction.name()).collect(),
            store: if seed.is_some() { "fingerprint" } else { "exact" },
            seed,
            missed_at_most: seed.map(|_| missed_at_most(outcome.distinct)),
            threads: question.threads,
            ended: ended(outcome.ending),
            states: outcome.distinct,
            transitions: outcome.transitions,
            depth: outcome.depth,
            seconds: outcome.seconds,
            peak_bytes: outcome.peak_bytes,
            properties: properties(question, outcome),
            actions: coverage::actions(outcome),
            faults: coverage::faults(&world, outcome),
            warnings: if is_ordered { Vec::new() } else { coverage::warnings(&world, outcome) },
            unexercised: question.unexercised(outcome).into_iter().map(unexercised).collect(),
            expected: None,
            notes: notes(question, outcome),
        };
        report.expected = expected::compare(question, &report);
        report
    }

    /// Whether every state was seen and no question arose: then nothing is shown, and no limit is the reason.
    #[must_use]
    pub fn shows_nothing(&self) -> bool {
        let is_seen = self.verdict == Verdict::Undecided && self.ended == "complete";
        is_seen && !self.unexercised.is_empty()
    }

    /// What the command comes to: whether the outcome is the one that the instance expects, or else the verdict. With
    /// `strict` nothing holds as long as a question never arose.
    #[must_use]
    pub fn conclusion(&self, strict: bool) -> Verdict {
        let comes_to = match self.expected.as_ref().map(|expected| expected.met) {
            Some(true) => Verdict::Holds,
            Some(false) => Verdict::Violated,
            None => self.verdict,
        };
        let is_open = strict && comes_to == Verdict::Holds && !self.unexercised.is_empty();
        if is_open { Verdict::Undecided } else { comes_to }
    }
}

fn unexercised(property: &'static str) -> Unexercised {
    let needs = WorldProperty::named(property).map(WorldProperty::needs);
    let from = || "a state that its first condition is true of (SPEC.md, section 7.2)".into();
    Unexercised { property, needs: needs.unwrap_or_else(from) }
}

fn properties(question: &Question, outcome: &SearchOutcome<Action, State>) -> Vec<PropertyReport> {
    let unexercised = question.unexercised(outcome);
    let word = |name: &'static str, verdict| {
        let is_empty = [syncsplit_engine::Verdict::Holds, syncsplit_engine::Verdict::Unreachable];
        if is_empty.contains(&verdict) && unexercised.contains(&name) {
            NOT_EXERCISED
        } else {
            word(verdict)
        }
    };
    outcome
        .properties
        .iter()
        .filter(|property| !question.is_silent(property.name))
        .map(|property| {
            let discovery = outcome.discovery(property.name);
            let counterexample = discovery
                .filter(|_| property.verdict == syncsplit_engine::Verdict::Violated)
                .map(|found| trace(question, found));
            PropertyReport {
                name: property.name,
                kind: expectation(&property.expectation),
                verdict: word(property.name, property.verdict),
                steps: discovery.map(|found| found.trace.len().saturating_sub(1)),
                cycle: None,
                trace: counterexample.as_ref().map(Trace::steps),
                explanation: counterexample.as_ref().and_then(Trace::explanation),
            }
        })
        .chain(outcome.promises.iter().map(|promise| PropertyReport {
            verdict: word(promise.name, promise.verdict),
            ..of_promise(question, promise)
        }))
        .collect()
}

fn of_promise(question: &Question, promise: &PromiseResult<Action, State>) -> PropertyReport {
    let lasso = promise.lasso.as_ref();
    let run = lasso.map(|lasso| run(question, promise.name, lasso));
    PropertyReport {
        name: promise.name,
        kind: "promise",
        verdict: word(promise.verdict),
        steps: lasso.map(|lasso| lasso.stem.len().saturating_sub(1)),
        cycle: lasso.map(|lasso| lasso.cycle.len().saturating_sub(1)),
        trace: run.as_ref().map(Trace::steps),
        explanation: run.as_ref().and_then(Trace::explanation),
    }
}

/// The word for a property whose question never arose.
pub(crate) const NOT_EXERCISED: &str = "not exercised";

const fn word(verdict: syncsplit_engine::Verdict) -> &'static str {
    match verdict {
        syncsplit_engine::Verdict::Holds => Verdict::Holds.name(),
        syncsplit_engine::Verdict::Violated => Verdict::Violated.name(),
        syncsplit_engine::Verdict::Reached => "reached",
        syncsplit_engine::Verdict::Unreachable => "unreached",
        syncsplit_engine::Verdict::Unknown => Verdict::Undecided.name(),
    }
}

/// The run that a lasso is: the stem, then once around the loop.
#[must_use]
pub fn run(question: &Question, promise: &'static str, lasso: &Lasso<Action, State>) -> Trace {
    let mut path = lasso.stem.clone();
    path.extend(lasso.cycle.iter().skip(1).copied());
    let loop_from = lasso.stem.len().saturating_sub(1);
    Trace::new(subject(question), Some(promise), &path, Some(loop_from))
}

/// The run that a counterexample is.
#[must_use]
pub fn trace(question: &Question, found: &Discovery<Action, State>) -> Trace {
    Trace::new(subject(question), Some(found.property), &found.trace, None)
}

pub(crate) fn subject(question: &Question) -> Subject {
    Subject {
        instance: question.instance.name.clone(),
        bounds: question.instance.bounds,
        variant: question.variant,
        without: question.without.clone(),
    }
}

/// The shortest counterexample of an outcome, the first of them by property; of promises alone the first lasso.
#[must_use]
pub fn shortest(question: &Question, outcome: &SearchOutcome<Action, State>) -> Option<Trace> {
    let violated =
        outcome.properties.iter().filter(|p| p.verdict == syncsplit_engine::Verdict::Violated);
    let found = violated.filter_map(|property| outcome.discovery(property.name));
    let always = found.min_by_key(|found| found.trace.len()).map(|found| trace(question, found));
    always.or_else(|| {
        let broken = |promise: &PromiseResult<_, _>| {
            promise.lasso.as_ref().map(|lasso| run(question, promise.name, lasso))
        };
        outcome.promises.iter().find_map(broken)
    })
}

fn notes(question: &Question, outcome: &SearchOutcome<Action, State>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Ending::Limit(limit) = outcome.ending {
        notes.push(limit_note(limit, outcome));
    }
    if question.instance.expected.is_some() && !question.is_as_the_instance_asks() {
        notes.push("the command line asks another question than the file, so what the file expects is not compared".into());
    } else if question.instance.expected.is_some()
        && question.reduce.iter().any(|reduction| reduction.leaves_states_out())
    {
        notes.push("counts of a reduced space are not compared with what the file expects".into());
    }
    if question.reduce.contains(&Reduction::Order) {
        notes.push("reduced by order: steps that were taken at once are counted nowhere, and a way may not be a shortest one".into());
    }
    notes
}

/// What is true although a limit was reached.
fn limit_note(limit: Limit, outcome: &SearchOutcome<Action, State>) -> String {
    let name = limit_name(limit);
    let settled = |p: &PropertyResult| p.verdict != syncsplit_engine::Verdict::Unknown;
    match outcome.depth {
        _ if outcome.properties.iter().all(settled) => format!(
            "the limit of {name} was reached when every state had been seen; nothing is claimed about promises"
        ),
        Some(depth) => format!(
            "the limit of {name} was reached; states and transitions are those of all runs of at most {depth} step(s), \
             each state checked, and nothing is claimed beyond"
        ),
        None => format!("the limit of {name} was reached; nothing is claimed"),
    }
}

pub(crate) const fn ended(ending: Ending) -> &'static str {
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
