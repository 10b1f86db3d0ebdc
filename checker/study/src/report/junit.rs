//! A check as JUnit XML: what is false is a failure, and a search that a limit ended or that failed is an error, beside
//! which each property that is left open is skipped. What other reports in that form are made of stands here too.

use std::fmt::Display;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};
use syncsplit_model::world::Verdict;

use crate::report::{NOT_EXERCISED, PropertyReport, Report};
use crate::trace::explanation::Explanation;
use crate::trace::{Step, text};

/// A check: each property a test case. With an outcome that the instance expects, one more says whether it is that; a
/// violation that was expected is no failure.
#[must_use]
pub fn check(report: &Report) -> Junit {
    let without: String = report.without.iter().map(|rule| format!(" without {rule}")).collect();
    let name = format!("{}, {}{without}", report.instance, report.variant);
    let mut suite = TestSuite::new(name);
    suite.set_time(duration(report.seconds));
    let depth = report.depth.map_or("unknown".into(), |depth| depth.to_string());
    for (name, value) in [
        ("verdict", report.verdict.to_string().to_lowercase()),
        ("states", report.states.to_string()),
        ("transitions", report.transitions.to_string()),
        ("depth", depth),
        ("bounds", report.bounds.clone()),
        ("variant", report.variant.into()),
        ("without", report.without.join(" ")),
        ("engine", report.engine.into()),
        ("reductions", report.reductions.join(" ")),
        ("store", report.store.into()),
        ("ended", report.ended.into()),
    ] {
        suite.add_property((name, value.as_str()));
    }
    if let Some((seed, likely)) = report.seed.zip(report.missed_at_most) {
        suite.add_property(("seed", seed.to_string().as_str()));
        suite.add_property(("missed_at_most", format!("{likely:e}").as_str()));
    }
    for warning in &report.warnings {
        suite.add_property(("warning", warning.as_str()));
    }
    let is_met = report.expected.as_ref().is_some_and(|expected| expected.met);
    for property in &report.properties {
        suite.add_test_case(of_property(report, property, is_met));
    }
    if let Some(expected) = &report.expected {
        let status = match expected.met {
            true => TestCaseStatus::success(),
            false => failure("not as the instance expects", &expected.differences.join("\n")),
        };
        suite.add_test_case(case("expected", &report.instance, status));
    }
    // What is not decided does not pass, and a skipped case alone would.
    if report.verdict == Verdict::Undecided {
        let status = match report.shows_nothing() {
            true => error("nothing", "nothing is shown: no state raised a question"),
            false => error("limit", &open(report.ended)),
        };
        suite.add_test_case(case("search", &report.instance, status));
    }
    // One search judges them all.
    let share = report.seconds / suite.test_cases.len().max(1) as f64;
    for case in &mut suite.test_cases {
        case.set_time(duration(share));
    }
    of_suites("syncsplit check", [suite])
}

/// Why a property is not exercised.
fn unexercised(report: &Report, property: &str) -> String {
    let question = report.unexercised.iter().find(|question| question.property == property);
    let needs = question.map_or("", |question| question.needs.as_str());
    format!("not exercised: no state raised the question, which takes {needs}")
}

fn of_property(report: &Report, property: &PropertyReport, is_expected: bool) -> TestCase {
    let PropertyReport { name, verdict, trace, explanation, .. } = property;
    let steps = trace.as_deref().unwrap_or_default();
    let shown = table(steps, explanation.as_ref());
    let (status, out) = match *verdict {
        "violated" if is_expected => (TestCaseStatus::success(), shown),
        "violated" => (failure(&violated(steps.len()), &shown), String::new()),
        "unreached" if is_expected => (TestCaseStatus::success(), String::new()),
        "unreached" if report.verdict != Verdict::Violated => {
            (skipped("no run reaches it, and nothing says that one has to"), String::new())
        }
        "unreached" => (failure("no run reaches it", ""), String::new()),
        "undecided" => (skipped(&open(report.ended)), String::new()),
        NOT_EXERCISED => (skipped(&unexercised(report, name)), String::new()),
        _ => (TestCaseStatus::success(), String::new()),
    };
    let mut case = case(name, &report.instance, status);
    if !out.is_empty() {
        case.set_system_out(format!("violated, as expected:\n{out}"));
    }
    case
}

/// A command whose engine failed: one test case that says how.
#[must_use]
pub fn broken(command: &str, instance: &str, failure: &impl Display) -> Junit {
    alone(command, "search", instance, error("engine", &failure.to_string()))
}

/// A command that was not asked what it can answer: one test case that says why.
#[must_use]
pub fn refused(command: &str, why: &str) -> Junit {
    alone(command, "question", command, error("input", why))
}

fn alone(command: &str, name: &str, class: &str, status: TestCaseStatus) -> Junit {
    let mut suite = TestSuite::new(class);
    let mut case = case(name, class, status);
    case.set_time(Duration::ZERO);
    suite.add_test_case(case);
    of_suites(&format!("syncsplit {command}"), [suite])
}

/// The XML, less what Jenkins' schema of such files does not know: a root with a count of what was skipped.
///
/// # Errors
/// A text cannot stand in XML.
pub fn xml(junit: &Junit) -> Result<String, quick_junit::SerializeError> {
    let xml = junit.to_string()?;
    let Some((root, rest)) = xml.split_once("<testsuites").and_then(|(head, rest)| {
        let (root, rest) = rest.split_once('>')?;
        Some((format!("{head}<testsuites{}", without_attribute(root, "skipped")), rest))
    }) else {
        return Ok(xml);
    };
    Ok(format!("{root}>{}\n", rest.trim_end()))
}

/// The attributes of an element less the one called `name`.
fn without_attribute(attributes: &str, name: &str) -> String {
    let begin = format!(" {name}=\"");
    match attributes.split_once(&begin) {
        Some((before, rest)) => {
            format!("{before}{}", rest.split_once('"').map_or("", |(_, after)| after))
        }
        None => attributes.to_owned(),
    }
}

pub(crate) fn of_suites(name: &str, suites: impl IntoIterator<Item = TestSuite>) -> Junit {
    let mut junit = Junit::new(name);
    junit.add_test_suites(suites);
    junit
}

pub(crate) fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

pub(crate) fn failure(message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_type("violation");
    if !text.is_empty() {
        status.set_description(format!("\n{text}"));
    }
    status
}

pub(crate) fn error(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(message).set_type(kind);
    status
}

pub(crate) fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

pub(crate) fn open(ended: &str) -> String {
    match ended {
        "violation" => "undecided: the search ended at another violation".into(),
        limit => format!("undecided: the limit of {limit} was reached"),
    }
}

fn violated(steps: usize) -> String {
    format!("violated; a shortest way there has {steps} step(s)")
}

pub(crate) fn table(trace: &[Step], explanation: Option<&Explanation>) -> String {
    if trace.is_empty() { String::new() } else { text::counterexample(trace, explanation) }
}

pub(crate) fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
