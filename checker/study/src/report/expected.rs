//! How a check's outcome compares with what its instance expects. What may be expected is the instance's to say.

use serde::Serialize;
use syncsplit_model::world::Verdict;

use crate::instance::Expected;
use crate::question::{Engine, Question};
use crate::reduce::Reduction;
use crate::report::Report;

/// The comparison.
#[derive(Clone, Debug, Serialize)]
pub struct ExpectedReport {
    /// Whether the outcome is the expected one.
    pub met: bool,
    /// Each difference: the name of the key, what was expected, what was found.
    pub differences: Vec<String>,
}

/// Compares `report` with what the instance of `question` expects; none if it expects nothing, was not asked what it
/// says, or a limit left the outcome open.
#[must_use]
pub fn compare(question: &Question, report: &Report) -> Option<ExpectedReport> {
    let expected = question.instance.expected.as_ref()?;
    if !question.is_as_the_instance_asks() || report.verdict == Verdict::Undecided {
        return None;
    }
    let differences = differences(expected, report, question.engine);
    Some(ExpectedReport { met: differences.is_empty(), differences })
}

fn differences(expected: &Expected, report: &Report, engine: Engine) -> Vec<String> {
    let mut found = Vec::new();
    let wanted = if expected.holds { Verdict::Holds } else { Verdict::Violated };
    differ(&mut found, "verdict", Some(wanted.name()), report.verdict.name());
    // How far another engine has come when it meets a violation is its own affair.
    let comparable = engine == Engine::Native || report.ended == "complete";
    if report.verdict != wanted || !comparable {
        return found;
    }
    // What is taken at once has no level of its own, and another level may be the first with a violation.
    if report.reductions.contains(&Reduction::Order.name()) {
        return found;
    }
    if report.reductions.iter().all(|name| *name == Reduction::Sleep.name()) {
        differ(&mut found, "states", expected.states, report.states);
        differ(&mut found, "transitions", expected.transitions, report.transitions);
    }
    if let Some(depth) = report.depth {
        differ(&mut found, "depth", expected.depth, depth);
    }
    let violated = report.properties.iter().filter(|property| property.verdict == "violated");
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    };
    let names = sorted(violated.clone().map(|property| property.name).collect());
    differ(&mut found, "violated", expected.violated.clone().map(sorted), names);
    if let Some(steps) = violated.filter_map(|property| property.steps).min() {
        differ(&mut found, "steps", expected.steps, steps);
    } else if let Some(steps) = expected.steps {
        found.push(format!("steps: expected {steps}, found no counterexample"));
    }
    found
}

fn differ<T: PartialEq + std::fmt::Display>(
    differences: &mut Vec<String>,
    key: &str,
    expected: Option<T>,
    found: T,
) {
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        differences.push(format!("{key}: expected {expected}, found {found}"));
    }
}
