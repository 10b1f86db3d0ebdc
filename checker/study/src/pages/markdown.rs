//! Studies as pages of the documentation. Nothing that differs from run to run stands in them, so that a page changes
//! only when an outcome does.

use std::fmt::Write as _;

use crate::ablate::{Ablation, Study};
use crate::case::{CaseFinding, StudyCase};
use crate::matrix::{Cell, Line, Matrix};
use crate::pages::text::outcome;
use crate::trace::Step;
use crate::trace::explanation::Explanation;

/// What stands beside the steps of a counterexample.
const RULES: &str = "The rules beside a step are those that it leans on: without one of them it would not be taken, or would \
                     end in another state.\nThe step marked * is the first that the full rules take otherwise.";

const WRITTEN: &str = "Written by `cargo xtask bless`, never by hand.";

/// Rules left out in turn.
#[must_use]
pub fn ablation(study: &Study) -> String {
    let mut page = format!(
        "# What each rule prevents\n\n{WRITTEN}\nEach rule of [SPEC.md](../SPEC.md) is left out of variant `{}`, \
         alone. Every reachable state of a small instance is then searched\nfor a property that is false. A row shows a \
         shortest way to such a state. Other ways may exist, and worse ones.\nA row says nothing about larger worlds.\n\n{RULES}\n",
        study.variant
    );
    let violated: Vec<_> = study.rules.iter().filter(|rule| rule.case.violated).collect();
    page.push_str("\n## Rules whose absence breaks something\n\n");
    page.push_str("| rule | without it | steps | instance |\n|---|---|---|---|\n");
    for rule in &violated {
        let steps = steps(&rule.case.shown);
        let property = rule.case.property.as_deref().unwrap_or_default();
        let link = link(rule.rule);
        row(
            &mut page,
            &[&link, &format!("`{property}`"), &steps, &format!("`{}`", rule.case.instance)],
        );
    }
    findings(&mut page, study);
    worlds(&mut page, study);
    page.push_str("\n## Counterexamples\n");
    for rule in violated.iter().filter(|rule| !rule.case.trace.is_empty()) {
        counterexample(&mut page, rule);
    }
    page
}

fn findings(page: &mut String, study: &Study) {
    let nothing: Vec<_> = study.rules.iter().filter(|rule| !rule.case.violated).collect();
    if nothing.is_empty() {
        return;
    }
    page.push_str("\n## Findings: rules whose absence breaks nothing here\n\n");
    page.push_str(
        "| rule | instance | outcome | the reason that SPEC.md gives |\n|---|---|---|---|\n",
    );
    for rule in nothing {
        let instance = format!("`{}`", rule.case.instance);
        let shown = rule.case.shown.to_string();
        row(page, &[rule.rule, &instance, &shown, rule.reason.unwrap_or("none")]);
    }
}

fn worlds(page: &mut String, study: &Study) {
    page.push_str("\n## Instances\n\n| instance | world |\n|---|---|\n");
    let mut seen: Vec<&str> = Vec::new();
    for Ablation { case, .. } in &study.rules {
        if !seen.contains(&case.instance.as_str()) {
            seen.push(&case.instance);
            row(page, &[&format!("`{}`", case.instance), &case.bounds]);
        }
    }
}

fn counterexample(page: &mut String, rule: &Ablation) {
    let Ablation { rule, says, case, .. } = rule;
    let _ = writeln!(
        page,
        "\n### {rule}\n\n{says}. Without it, on `{}`: {}.\n",
        case.instance, case.shown
    );
    table(page, case);
}

/// Every variant under every class of faults.
#[must_use]
pub fn matrix(matrix: &Matrix) -> String {
    let mut page = format!(
        "# Variants under faults\n\n{WRITTEN}\nEach cell is a search of every reachable state of one small world, \
         with the faults of its column and no others.\nThe world: {}.\nA cell says \"holds\", or it names the first \
         property that is false and the steps of a shortest way to a state where it is false.\nA cell says nothing about \
         larger worlds or other faults.\n\n{RULES}\n\n",
        matrix.base
    );
    let heads: Vec<_> = matrix.columns.iter().map(|column| column.faults).collect();
    row(&mut page, &[&["variant"], heads.as_slice()].concat());
    let _ = writeln!(page, "|{}", "---|".repeat(heads.len() + 1));
    for line in &matrix.variants {
        let name = format!("`{}`", line.variant);
        let cells: Vec<_> = line.cells.iter().map(short).collect();
        let cells: Vec<_> =
            std::iter::once(name.as_str()).chain(cells.iter().map(String::as_str)).collect();
        row(&mut page, &cells);
    }
    page.push_str("\nWhere a cell says that faults have no effect, it shows nothing about them.\n");
    page.push_str("\n| variant | is |\n|---|---|\n");
    for line in &matrix.variants {
        row(&mut page, &[&format!("`{}`", line.variant), &line.says]);
    }
    page.push_str("\n| column | faults |\n|---|---|\n");
    for column in &matrix.columns {
        let names: Vec<_> = column.names.iter().map(|name| format!("`{name}`")).collect();
        row(
            &mut page,
            &[column.faults, if names.is_empty() { "-".into() } else { names.join(", ") }.as_str()],
        );
    }
    page.push_str(
        "\n## Counterexamples\n\nFor each variant and property, the shortest counterexample of its line.\n",
    );
    for line in &matrix.variants {
        shortest(&mut page, line);
    }
    page
}

fn short(cell: &Cell) -> String {
    if let CaseFinding::Always { property, steps } = &cell.case.shown {
        format!("`{property}`, {steps}")
    } else {
        outcome(&cell.case)
    }
}

fn shortest(page: &mut String, line: &Line) {
    let mut seen: Vec<&str> = Vec::new();
    for cell in line.cells.iter().filter(|cell| !cell.case.trace.is_empty()) {
        let Some(property) = cell.case.property.as_deref() else { continue };
        let same = line.cells.iter().filter(|c| c.case.property.as_deref() == Some(property));
        let is_shortest = same.map(|c| c.case.trace.len()).min() == Some(cell.case.trace.len());
        if is_shortest && !seen.contains(&property) {
            seen.push(property);
            let _ =
                writeln!(page, "\n### {}, {}: {}\n", line.variant, cell.faults, cell.case.shown);
            table(page, &cell.case);
        }
    }
}

fn steps(shown: &CaseFinding) -> String {
    match shown {
        CaseFinding::Promise { stem, cycle, .. } => format!("{stem}, then a loop of {cycle}"),
        CaseFinding::Never { .. } => "reached by no run".into(),
        CaseFinding::Always { steps, .. } => steps.to_string(),
        CaseFinding::Nothing {} | CaseFinding::Open { .. } | CaseFinding::Failed { .. } => {
            "-".into()
        }
    }
}

fn link(rule: &str) -> String {
    format!("[{rule}](#{})", rule.to_lowercase())
}

fn table(page: &mut String, case: &StudyCase) {
    page.push_str("| step | who | what | rules | changed |\n|---|---|---|---|---|\n");
    for Step { step, who, what, changed, rules, departs, .. } in &case.trace {
        let mark = if departs.is_some() { "*" } else { "" };
        row(page, &[&format!("{step}{mark}"), who, what, &rules.join(" "), &changed.join("; ")]);
    }
    for line in case.explanation.iter().flat_map(Explanation::lines) {
        let _ = write!(page, "\n    {line}");
    }
    page.push('\n');
}

fn row(page: &mut String, cells: &[&str]) {
    for cell in cells {
        let _ = write!(page, "| {} ", cell.replace('|', "\\|"));
    }
    page.push_str("|\n");
}
