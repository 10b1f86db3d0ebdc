//! The shortest way to a state of which a condition is true: the question, and what it comes to. Which text is a condition
//! stands in [`crate::condition`].

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use syncsplit_engine::SearchOutcome;
use syncsplit_model::world::{Action, State, Verdict};
use syncsplit_search::{GOAL, Goal};

use crate::bounds;
use crate::condition::Condition;
use crate::question::Question;
use crate::report;
use crate::trace::{Step, Trace, text};
use crate::words::thousands;

/// What the search for a state came to. Serialized, it is what `check --reach EXPR --format json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct ReachReport {
    /// `reached`, `unreachable` or `undecided`.
    pub verdict: &'static str,
    /// The condition as it was written.
    pub reach: String,
    /// Name of the instance, or the path of its file.
    pub instance: String,
    /// The bounds in words.
    pub bounds: String,
    /// Name of the variant.
    pub variant: &'static str,
    /// Ids of the rules left out by name.
    pub without: Vec<&'static str>,
    /// Name of the engine.
    pub engine: &'static str,
    /// Why the search ended: `complete`, `violation` where the state was found, or the limit reached.
    pub ended: &'static str,
    /// Distinct states seen.
    pub states: u64,
    /// Steps from one state to another.
    pub transitions: u64,
    /// Steps to the farthest state by a shortest path.
    pub depth: Option<u32>,
    /// Wall-clock time.
    pub seconds: f64,
    /// Steps of the way.
    pub steps: Option<usize>,
    /// Whether the condition is true at the end of the way with the numbers as they were given, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_true_at_the_end: Option<bool>,
    /// A shortest way to such a state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<Step>>,
}

impl Question {
    /// Asks for a state of which `condition` is true, in place of properties and promises.
    pub fn reach(&mut self, condition: Condition) {
        self.goal = Some(Arc::new(condition));
    }
}

/// What `outcome`, of a question that asks for `condition`, comes to, with the way if there is one.
#[must_use]
pub fn report(
    question: &Question,
    condition: &Condition,
    outcome: &SearchOutcome<Action, State>,
) -> (ReachReport, Option<Trace>) {
    let found = outcome.discovery(GOAL);
    let subject = report::subject(question);
    let trace = found.map(|found| Trace::new(subject, None, &found.trace, None));
    let ended = report::ended(outcome.ending);
    let is_true = trace.as_ref().and_then(|trace| {
        let (_, last) = trace.path.last()?;
        Some(condition.is_reached(&question.world(), last))
    });
    let verdict = match (&trace, ended) {
        (Some(_), _) => REACHED,
        (None, "complete") => "unreachable",
        (None, _) => Verdict::Undecided.name(),
    };
    let report = ReachReport {
        verdict,
        reach: condition.to_string(),
        instance: question.instance.name.clone(),
        bounds: bounds::in_words(&question.instance.bounds),
        variant: question.variant.name(),
        without: question.without.iter().map(|rule| rule.id()).collect(),
        engine: question.engine.name(),
        ended,
        states: outcome.distinct,
        transitions: outcome.transitions,
        depth: outcome.depth,
        seconds: outcome.seconds,
        steps: trace.as_ref().map(Trace::len),
        is_true_at_the_end: is_true,
        trace: trace.as_ref().map(Trace::steps),
    };
    (report, trace)
}

const REACHED: &str = "reached";

impl ReachReport {
    /// What the command comes to: whether there is such a state.
    #[must_use]
    pub fn conclusion(&self) -> Verdict {
        match self.verdict {
            REACHED => Verdict::Holds,
            _ if self.ended == "complete" => Verdict::Violated,
            _ => Verdict::Undecided,
        }
    }
}

impl fmt::Display for ReachReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without: String = self.without.iter().map(|rule| format!(" without {rule}")).collect();
        let verdict = self.verdict.to_uppercase();
        writeln!(out, "{verdict}: {}, {}{without}", self.instance, self.variant)?;
        writeln!(out, "  reach        {}", self.reach)?;
        writeln!(out, "  world        {}", self.bounds)?;
        writeln!(out, "  states       {}", thousands(self.states))?;
        writeln!(out, "  transitions  {}", thousands(self.transitions))?;
        if let Some(depth) = self.depth {
            writeln!(out, "  depth        {depth}")?;
        }
        writeln!(out, "  cost         {:.1} s", self.seconds)?;
        let Some(trace) = &self.trace else {
            return match self.ended {
                "complete" => writeln!(
                    out,
                    "\nEvery state of this world was seen, up to names, and the condition is true of none."
                ),
                limit => writeln!(
                    out,
                    "\nThe limit of {limit} was reached; of the states seen the condition is true of none."
                ),
            };
        };
        writeln!(out, "\nA shortest way to such a state has {} step(s):\n", trace.len())?;
        out.write_str(&text::table(trace))?;
        if self.is_true_at_the_end == Some(false) {
            writeln!(
                out,
                "\nThe condition is true of this state up to names; with the numbers of these steps it is not."
            )?;
        }
        Ok(())
    }
}
