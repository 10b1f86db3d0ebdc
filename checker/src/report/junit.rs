//! Reports as JUnit XML: what is false is a failure, what a limit left open is skipped, and an engine that failed is an
//! error.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::ablate::Study;
use crate::check::Answer;
use crate::matrix::Matrix;
use crate::report::{PropertyReport, Report};
use crate::study::{Case, Shown};
use crate::trace::{Step, text};

/// Prints `junit`.
///
/// # Errors
/// What kept stdout from taking it.
pub fn print(junit: &Junit) -> io::Result<()> {
    let xml = junit.to_string().map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", xml.trim_end())?;
    out.flush()
}

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
    // Without a property that was violated a run may end before it has settled any.
    if report.verdict == Answer::Undecided {
        let status = skipped(&open(report.ended));
        suite.add_test_case(case("search", &report.instance, status));
    }
    of_suites("syncsplit check", [suite])
}

fn of_property(report: &Report, property: &PropertyReport, is_expected: bool) -> TestCase {
    let PropertyReport { name, verdict, trace, .. } = property;
    let steps = trace.as_deref().unwrap_or_default();
    let (status, out) = match *verdict {
        "violated" if is_expected => (TestCaseStatus::success(), table(steps)),
        "violated" => (failure(&violated(steps.len()), &table(steps)), String::new()),
        "unreached" if is_expected => (TestCaseStatus::success(), String::new()),
        "unreached" => (failure("no run reaches it", ""), String::new()),
        "undecided" => (skipped(&open(report.ended)), String::new()),
        _ => (TestCaseStatus::success(), String::new()),
    };
    let mut case = case(name, &report.instance, status);
    if !out.is_empty() {
        case.set_system_out(format!("violated, as expected:\n{out}"));
    }
    case
}

/// Rules left out: each a test case, which passes if the outcome is the expected one.
#[must_use]
pub fn ablation(study: &Study) -> Junit {
    let mut suite = TestSuite::new(format!("ablate, {}", study.variant));
    for rule in &study.rules {
        let bounds = format!("bounds of {}", rule.case.instance);
        if !suite.properties.iter().any(|known| known.name.as_str() == bounds) {
            suite.add_property((bounds.as_str(), rule.case.bounds.as_str()));
        }
        suite.add_test_case(of_case(rule.rule, &format!("ablate.{}", study.variant), &rule.case));
    }
    of_suites("syncsplit ablate", [suite])
}

/// The matrix: each variant a suite, each cell a test case, which passes if the outcome is the expected one.
#[must_use]
pub fn matrix(matrix: &Matrix) -> Junit {
    let suites = matrix.variants.iter().map(|line| {
        let mut suite = TestSuite::new(format!("matrix, {}", line.variant));
        suite.add_property(("bounds", matrix.base.as_str()));
        for cell in &line.cells {
            let class = format!("matrix.{}", line.variant);
            suite.add_test_case(of_case(cell.faults, &class, &cell.case));
        }
        suite
    });
    of_suites("syncsplit matrix", suites)
}

fn of_case(name: &str, class: &str, found: &Case) -> TestCase {
    let status = match (&found.shown, &found.unexpected) {
        (Shown::Failed { error }, _) => error_status(error),
        (Shown::Open { limit }, _) => skipped(&open(limit)),
        (_, Some(unexpected)) => failure(unexpected, &table(&found.trace)),
        (_, None) => TestCaseStatus::success(),
    };
    let mut case = case(name, class, status);
    case.set_time(duration(found.seconds));
    case.add_property(("states", found.states.to_string().as_str()));
    case.set_system_out(format!("{}\n{}", found.shown, table(&found.trace)));
    case
}

/// A command whose engine failed: one test case that says how.
#[must_use]
pub fn broken(command: &str, instance: &str, error: &impl Display) -> Junit {
    let mut suite = TestSuite::new(instance);
    suite.add_test_case(case("search", instance, error_status(&error.to_string())));
    of_suites(&format!("syncsplit {command}"), [suite])
}

fn of_suites(name: &str, suites: impl IntoIterator<Item = TestSuite>) -> Junit {
    let mut junit = Junit::new(name);
    junit.add_test_suites(suites);
    junit
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn failure(message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_type("violation");
    if !text.is_empty() {
        status.set_description(format!("\n{text}"));
    }
    status
}

fn error_status(error: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(error).set_type("engine");
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn open(ended: &str) -> String {
    match ended {
        "violation" => "undecided: the search ended at another violation".into(),
        limit => format!("undecided: the limit of {limit} was reached"),
    }
}

fn violated(steps: usize) -> String {
    format!("violated; a shortest way there has {steps} step(s)")
}

fn table(trace: &[Step]) -> String {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let written = if trace.is_empty() { Ok(()) } else { text::table(trace, &mut text) };
    written.map_or_else(|error| error.to_string(), |()| String::from_utf8_lossy(&text).into_owned())
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
