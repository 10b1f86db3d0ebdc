//! Studies as JUnit XML: each search a test case, which passes if its outcome is the expected one.

use quick_junit::{Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::ablate::Study;
use crate::case::{CaseFinding, StudyCase};
use crate::matrix::Matrix;
use crate::report::junit::{case, duration, error, failure, of_suites, open, table};

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

fn of_case(name: &str, class: &str, found: &StudyCase) -> TestCase {
    let shown = table(&found.trace, found.explanation.as_ref());
    let status = match (&found.shown, &found.unexpected) {
        (CaseFinding::Failed { error: failure }, _) => error("engine", failure),
        (CaseFinding::Open { limit }, _) => error("limit", &open(limit)),
        (_, Some(unexpected)) => failure(unexpected, &shown),
        (_, None) => TestCaseStatus::success(),
    };
    let mut case = case(name, class, status);
    case.set_time(duration(found.seconds));
    case.set_system_out(format!("{}, {} states\n{shown}", found.shown, found.states));
    case
}
