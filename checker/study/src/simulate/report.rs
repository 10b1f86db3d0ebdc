//! What a simulation came to, for a person or as one JSON object. It never says that a property holds.

use std::fmt;

use serde::Serialize;
use stateright::{Expectation, Model};
use syncsplit_model::world::{ActionKind, Verdict, World};

use crate::bounds;
use crate::simulate::walk::{FoundViolation, Simulation, Tally};
use crate::trace::explanation::Explanation;
use crate::trace::{Step, Trace, text};
use crate::words::{expectation, thousands};

/// The whole result. Serialized, it is what `--format json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct SimulationReport {
    /// What it came to.
    pub verdict: Verdict,
    /// Name of the instance, and what was overridden.
    pub instance: String,
    /// The bounds in words.
    pub bounds: String,
    /// Name of the variant.
    pub variant: &'static str,
    /// Ids of the rules left out by name.
    pub without: Vec<&'static str>,
    /// The seed: with it the same runs come again.
    pub seed: u64,
    /// Runs begun.
    pub runs: u64,
    /// Runs planned.
    pub runs_planned: u64,
    /// Steps taken in all runs.
    pub steps: u64,
    /// The most steps a run could have.
    pub steps_planned: u64,
    /// Steps of the longest run.
    pub deepest: u64,
    /// Runs that ended since no action led anywhere.
    pub stuck: u64,
    /// Wall-clock time.
    pub seconds: f64,
    /// Each property with what was seen of it.
    pub properties: Vec<PropertyReport>,
    /// How often each kind of action was taken.
    pub actions: Vec<ActionReport>,
}

/// What was seen of one property.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyReport {
    /// Its name.
    pub name: &'static str,
    /// `always` or `sometimes`.
    pub kind: &'static str,
    /// `violated`, `not violated`, `reached` or `not reached`.
    pub verdict: &'static str,
    /// Number of the run, if it was violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// Steps of that run before it was made shorter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_walked: Option<usize>,
    /// Steps of the trace.
    pub steps: Option<usize>,
    /// A way to the violation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<Step>>,
    /// Why the trace is a counterexample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// One kind of action.
#[derive(Clone, Debug, Serialize)]
pub struct ActionReport {
    /// Which.
    pub action: ActionKind,
    /// How often it was taken.
    pub fired: u64,
}

impl SimulationReport {
    /// Puts a simulation into words.
    #[must_use]
    pub fn new(
        world: &World,
        plan: Simulation,
        tally: &Tally,
        seconds: f64,
        subject: &crate::trace::Subject,
        violation: Option<(&FoundViolation, &Trace)>,
    ) -> Self {
        let verdict = match violation {
            Some(_) => Verdict::Violated,
            None if tally.interrupted => Verdict::Undecided,
            None => Verdict::NoViolationFound,
        };
        let properties = world.properties().into_iter().map(|property| {
            let found = violation.filter(|(found, _)| found.property == property.name);
            let verdict = match property.expectation {
                Expectation::Always if found.is_some() => "violated",
                Expectation::Always => "not violated",
                Expectation::Sometimes | Expectation::Eventually
                    if tally.reached.contains(&property.name) =>
                {
                    "reached"
                }
                Expectation::Sometimes | Expectation::Eventually => "not reached",
            };
            PropertyReport {
                name: property.name,
                kind: expectation(&property.expectation),
                verdict,
                run: found.map(|(found, _)| found.run),
                steps_walked: found.map(|(found, _)| found.actions.len()),
                steps: found.map(|(_, trace)| trace.len()),
                trace: found.map(|(_, trace)| trace.steps()),
                explanation: found.and_then(|(_, trace)| trace.explanation()),
            }
        });
        let kinds = ActionKind::ALL.iter().zip(&tally.kinds);
        Self {
            verdict,
            instance: subject.instance.clone(),
            bounds: bounds::in_words(&subject.bounds),
            variant: subject.variant.name(),
            without: subject.without.iter().map(|rule| rule.id()).collect(),
            seed: plan.seed,
            runs: tally.runs,
            runs_planned: plan.runs,
            steps: tally.steps,
            steps_planned: plan.steps,
            deepest: tally.longest,
            stuck: tally.stuck,
            seconds,
            properties: properties.collect(),
            actions: kinds
                .map(|(action, fired)| ActionReport { action: *action, fired: *fired })
                .collect(),
        }
    }
}

impl fmt::Display for SimulationReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without: String = self.without.iter().map(|rule| format!(" without {rule}")).collect();
        writeln!(out, "{}: {}, {}{without}", self.verdict, self.instance, self.variant)?;
        writeln!(out, "  world    {}", self.bounds)?;
        writeln!(out, "  seed     {}", self.seed)?;
        let (runs, planned) = (thousands(self.runs), thousands(self.runs_planned));
        writeln!(out, "  runs     {runs} of {planned}, {} of them came to a dead end", self.stuck)?;
        let (steps, longest) = (thousands(self.steps), thousands(self.deepest));
        writeln!(out, "  steps    {steps}, the longest run {longest}")?;
        writeln!(out, "  cost     {:.1} s\n", self.seconds)?;
        for property in &self.properties {
            let PropertyReport { name, kind, verdict, .. } = property;
            writeln!(out, "  {kind:9}  {name:34}  {verdict}")?;
        }
        writeln!(out)?;
        for ActionReport { action, fired } in &self.actions {
            writeln!(out, "  taken      {action:34}  {}", thousands(*fired))?;
        }
        for property in &self.properties {
            if let (Some(run), Some(walked), Some(trace)) =
                (property.run, property.steps_walked, &property.trace)
            {
                let name = property.name;
                writeln!(
                    out,
                    "\n{name} is violated in run {run} after {walked} steps; a shorter way there, not always the \
                     shortest:\n"
                )?;
                out.write_str(&text::counterexample(trace, property.explanation.as_ref()))?;
            }
        }
        if self.verdict != Verdict::Violated {
            writeln!(
                out,
                "\nThese runs were drawn by chance; nothing is claimed about any other."
            )?;
        }
        Ok(())
    }
}
