//! Studies for a person at a terminal: the overview first, then what is not as expected, then each counterexample.

use std::fmt::Write as _;

use crate::ablate::Study;
use crate::case::{CaseFinding, StudyCase};
use crate::matrix::Matrix;
use crate::trace::text;

/// Rules left out in turn.
#[must_use]
pub fn ablation(study: &Study) -> String {
    let cases = || study.rules.iter().map(|ablation| &ablation.case);
    let mut text = format!(
        "ABLATE: {} of {} rule(s) left out of {} break something{}\n\n",
        cases().filter(|case| case.violated).count(),
        study.rules.len(),
        study.variant,
        as_expected(cases(), study.compared)
    );
    for ablation in &study.rules {
        let case = &ablation.case;
        line(&mut text, &format!("  {:10}  {:6}  {}", ablation.rule, case.instance, case.shown));
    }
    for ablation in &study.rules {
        if let Some(unexpected) = &ablation.case.unexpected {
            line(&mut text, &format!("\nNOT as expected: {}: {unexpected}", ablation.rule));
        }
    }
    for ablation in
        study.rules.iter().filter(|ablation| ablation.case.shown == CaseFinding::Nothing {})
    {
        let reason =
            ablation.reason.map_or("no reason is known".into(), |r| format!("SPEC.md: {r}"));
        line(&mut text, &format!("\nfinding: without {} nothing breaks. {reason}", ablation.rule));
    }
    for ablation in &study.rules {
        let title =
            format!("{}: {}; without it {}", ablation.rule, ablation.says, ablation.case.shown);
        counterexample(&mut text, &title, &ablation.case);
    }
    text
}

/// Every variant under every class of faults.
#[must_use]
pub fn matrix(matrix: &Matrix) -> String {
    let mut text = format!("MATRIX{}\n", as_expected(matrix.cases(), true));
    line(&mut text, &format!("  each cell  {}\n", matrix.base));
    for variant in &matrix.variants {
        line(&mut text, &format!("  {}: {}", variant.variant, variant.says));
        for cell in &variant.cells {
            line(&mut text, &format!("    {:20}  {}", cell.faults, outcome(&cell.case)));
        }
        text.push('\n');
    }
    for (variant, cell) in
        matrix.variants.iter().flat_map(|line| line.cells.iter().map(move |cell| (line, cell)))
    {
        if let Some(unexpected) = &cell.case.unexpected {
            let name = format!("{}, {}", variant.variant, cell.faults);
            line(&mut text, &format!("NOT as expected: {name}: {unexpected}"));
        }
    }
    for variant in &matrix.variants {
        for cell in &variant.cells {
            let title = format!("{}, {}: {}", variant.variant, cell.faults, cell.case.shown);
            counterexample(&mut text, &title, &cell.case);
        }
    }
    text
}

/// A cell's outcome in a few words.
#[must_use]
pub fn outcome(case: &StudyCase) -> String {
    match &case.shown {
        CaseFinding::Nothing {} if case.idle => "holds: the faults have no effect".into(),
        CaseFinding::Nothing {} => "holds".into(),
        CaseFinding::Always { .. }
        | CaseFinding::Promise { .. }
        | CaseFinding::Never { .. }
        | CaseFinding::Open { .. }
        | CaseFinding::Failed { .. } => case.shown.to_string(),
    }
}

fn as_expected<'a>(cases: impl Iterator<Item = &'a StudyCase>, compared: bool) -> String {
    match cases.filter(|case| case.unexpected.is_some()).count() {
        _ if !compared => String::new(),
        0 => ", as expected".into(),
        count => format!(", {count} NOT as expected"),
    }
}

fn counterexample(text: &mut String, title: &str, case: &StudyCase) {
    if case.trace.is_empty() {
        return;
    }
    let shown = text::counterexample(&case.trace, case.explanation.as_ref());
    let _ = writeln!(text, "\n{title}\n\n{}", shown.trim_end());
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
