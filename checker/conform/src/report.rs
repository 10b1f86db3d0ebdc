//! A campaign for a person, as one JSON object, or as JUnit XML.

use std::fmt::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};
use syncsplit_model::world::Verdict;

use crate::campaign::{Campaign, CaseReport, FailureReport, ListedCase};
use crate::conclusion::Conclusion;
use crate::process::AdapterFailure;

/// Failures that the text shows in full; the others are listed.
const SHOWN_MAX: usize = 10;

/// A campaign as a person reads it.
pub struct Page<'a> {
    /// What was done.
    pub campaign: &'a Campaign,
    /// What it comes to.
    pub conclusion: &'a Conclusion,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        text(out, self.campaign, self.conclusion)
    }
}

fn text(out: &mut impl Write, campaign: &Campaign, conclusion: &Conclusion) -> fmt::Result {
    let difference = &conclusion.difference;
    let count = |wanted| campaign.cases.iter().filter(|case| case.verdict == wanted).count();
    writeln!(
        out,
        "{}{}: {}, level {}, seed {}\n",
        conclusion.word().to_uppercase(),
        of_rules(campaign, conclusion),
        campaign.adapter,
        campaign.level.name(),
        campaign.seed
    )?;
    let failing: Vec<_> =
        campaign.cases.iter().filter_map(|c| Some((c, c.failure.as_ref()?))).collect();
    // What was made short may come to the same as another, and one of both is enough to read.
    let mut shown: Vec<&(&CaseReport, &FailureReport)> = Vec::new();
    for found in failing.iter().filter(|(_, failure)| failure.is_minimal) {
        let is_same =
            |other: &FailureReport| other.log == found.1.log || other.command == found.1.command;
        if shown.len() < SHOWN_MAX && !shown.iter().any(|(_, other)| is_same(other)) {
            shown.push(found);
        }
    }
    for (case, failure) in &shown {
        failed(out, case, failure)?;
    }
    let others: Vec<_> = failing
        .iter()
        .filter(|(case, _)| !shown.iter().any(|(other, _)| other.id == case.id))
        .map(|(case, _)| case.id.as_str())
        .collect();
    if !others.is_empty() {
        writeln!(
            out,
            "Failing as well, in a way shown above or not made short: {}\n",
            others.join(", ")
        )?;
    }
    writeln!(out, "{:<12} {:<14} first case that shows it", "rule", "verdict")?;
    for rule in &campaign.rules {
        let case = rule.case.as_deref().unwrap_or("-");
        writeln!(out, "{:<12} {:<14} {case}", rule.rule, rule.verdict)?;
    }
    writeln!(
        out,
        "\n{} cases: {} passed, {} failed, {} need what the adapter does not have; {} ended with a backup",
        campaign.cases.len(),
        count(Verdict::NoViolationFound),
        count(Verdict::Violated),
        count(Verdict::Undecided),
        campaign.finished
    )?;
    let (known, taken) = (campaign.classes_known, campaign.classes_taken);
    if known > 0 {
        let kinds = campaign.actions_taken.len();
        writeln!(
            out,
            "coverage: {taken} of {known} classes of steps (action, pair states, taken or refused), {kinds} kinds of actions"
        )?;
    }
    if !campaign.absent.is_empty() {
        let absent = campaign.absent.join(", ");
        writeln!(
            out,
            "the adapter does not have, and rules that need it are not reached: {absent}"
        )?;
    }
    if campaign.lost > 0 {
        let lost = campaign.lost;
        writeln!(out, "{lost} run(s) were cut short: too many states could explain what was seen")?;
    }
    for unmet in &conclusion.unmet {
        writeln!(out, "{unmet}")?;
    }
    for (says, ids) in [
        ("not in the list of known failures", &difference.new),
        ("in the list of known failures, and passing", &difference.stale),
    ] {
        // Without a list every failure is new, and has been named above.
        if !ids.is_empty() && difference.is_listed {
            writeln!(out, "{says}: {}", ids.join(", "))?;
        }
    }
    Ok(())
}

fn failed(out: &mut impl Write, case: &CaseReport, failure: &FailureReport) -> fmt::Result {
    let rules = if failure.rules.is_empty() {
        "no single rule explains it".to_owned()
    } else {
        failure.rules.join(", or ")
    };
    writeln!(out, "FAIL {} ({rules})", case.id)?;
    let mut last: Option<(&str, Vec<&str>)> = None;
    for (index, (verb, exchanges)) in failure.log.iter().enumerate() {
        // What is asked again and again with the same answer, and looks at the status in between, are shown once.
        let answers = exchanges.iter().filter_map(|exchange| Some(exchange.rsplit_once(" -> ")?.1));
        let step = (verb.as_str(), answers.collect());
        if index == failure.scripted && failure.scripted > 0 {
            writeln!(out, "       and then, as after every script:")?;
        }
        if verb == "wait" || last.as_ref() == Some(&step) {
            continue;
        }
        last = Some(step);
        writeln!(out, "  {:>3}. {verb}", index + 1)?;
        for exchange in exchanges.iter().filter(|exchange| !exchange.starts_with("status")) {
            writeln!(out, "         {exchange}")?;
        }
    }
    writeln!(out, "  at `{}`, {}:", failure.verb, failure.what)?;
    let expected = failure.expected.join("\n           or ");
    writeln!(out, "  expected {expected}\n  seen     {}", failure.seen)?;
    writeln!(out, "  repeat   {}\n", failure.command)
}

/// On how many rules it conforms, for a headline; nothing where a case fails that was not known to.
fn of_rules(campaign: &Campaign, conclusion: &Conclusion) -> String {
    let (kept, all) = (conclusion.kept, campaign.rules.len());
    match conclusion.verdict() {
        Verdict::Violated => String::new(),
        Verdict::Undecided if conclusion.shows_nothing => String::new(),
        Verdict::Undecided => format!(", conforms on {kept} of {all} rules"),
        Verdict::Holds | Verdict::NoViolationFound if campaign.is_own_script => {
            format!(" in this script, which shows {kept} of {all} rules")
        }
        Verdict::Holds | Verdict::NoViolationFound => format!(" on {kept} of {all} rules"),
    }
}

/// Cases that would be done, as a person reads them: an id a line, and the script of each.
#[must_use]
pub fn listing(cases: &[ListedCase]) -> String {
    let line = |case: &ListedCase| {
        let script = case.script.as_deref().unwrap_or("drawn by chance");
        format!("{}: {script}\n", case.id)
    };
    cases.iter().map(line).collect()
}

/// One JSON object.
#[must_use]
pub fn json(campaign: &Campaign, conclusion: &Conclusion) -> Value {
    let mut value = json!(campaign);
    value["verdict"] = conclusion.word().into();
    value["rules_kept"] = conclusion.kept.into();
    value["unmet"] = json!(conclusion.unmet);
    value["known"] = json!(conclusion.difference);
    value
}

/// One JSON object that says how the adapter failed.
#[must_use]
pub fn undecided(case: &str, trouble: &AdapterFailure) -> Value {
    json!({
        "verdict": Verdict::Undecided, "case": case, "request": trouble.request,
        "error": trouble.what, "stderr": trouble.stderr,
    })
}

/// The cases as JUnit XML: what breaks a rule is a failure, what the adapter does not have is skipped.
#[must_use]
pub fn junit(campaign: &Campaign, conclusion: &Conclusion) -> Junit {
    let difference = &conclusion.difference;
    let mut suite = TestSuite::new(format!("{}, {}", campaign.adapter, campaign.level.name()));
    for case in &campaign.cases {
        let mut status = match (&case.failure, case.verdict) {
            (Some(failure), _) if difference.new.contains(&case.id) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let expected = failure.expected.join(" or ");
                status.set_message(format!("{}: {}", failure.rules.join(" or "), failure.what));
                status.set_description(format!(
                    "{}\nexpected {expected}\nseen {}\nrepeat {}",
                    case.script, failure.seen, failure.command
                ));
                status
            }
            (None, Verdict::Undecided) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message("the adapter does not have what this needs");
                status
            }
            _ => TestCaseStatus::success(),
        };
        if difference.stale.contains(&case.id) {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message("in the list of known failures, and passing");
        }
        let mut test = TestCase::new(case.id.as_str(), status);
        test.set_classname("syncsplit conform");
        suite.add_test_case(test);
    }
    if conclusion.verdict() == Verdict::Undecided {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(conclusion.word()).set_description(conclusion.unmet.join("\n"));
        let mut test = TestCase::new("what is shown", status);
        test.set_classname("syncsplit conform");
        suite.add_test_case(test);
    }
    let mut report = Junit::new("syncsplit conform");
    report.add_test_suite(suite);
    report
}
