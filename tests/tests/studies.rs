//! `ablate` and `matrix` come to what their tables say, and the pages written from them are current. With `BLESS` set in
//! the environment, tables and pages are rewritten by what is found instead.
use std::collections::BTreeMap;

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::Variant;
use syncsplit_study::ablate::{self, AblationPlan, REASONS};
use syncsplit_study::case::{Searcher, StudyCase};
use syncsplit_study::matrix::{self, Matrix};
use syncsplit_study::pages::{markdown, text};
use syncsplit_tests::ids::sections;
use syncsplit_tests::pinned::alone;
use syncsplit_tests::source::files;
use syncsplit_tests::{bless, studies};

/// Each counterexample says what is violated and by which witness, and so does each page.
fn assert_say_why(cases: &[(String, &StudyCase)], pages: &[String]) {
    for (name, case) in cases.iter().filter(|(_, case)| !case.trace.is_empty()) {
        let explanation = case.explanation.as_ref();
        let explanation = explanation.unwrap_or_else(|| panic!("{name} does not say why"));
        assert_eq!(Some(explanation.property), case.property.as_deref(), "{name}");
        assert!(explanation.witness.is_some(), "{name}: no witness");
        let is_told =
            case.trace.iter().any(|step| !step.rules.is_empty() || step.departs.is_some());
        assert!(is_told, "{name}: no rule");
        for line in explanation.lines() {
            let is_said = |page: &String| page.contains(&line);
            assert!(pages.iter().any(is_said), "{name}: no page says {line}");
        }
    }
}

/// Writes what is found, or compares it with what stands in the repository.
fn settle(cases: &[(String, &StudyCase)], files: &[(&str, String)]) {
    let open = cases.iter().filter(|(_, case)| matches!(case.verdict, "undecided" | "error"));
    let open: Vec<_> = open.map(|(name, case)| format!("{name}: {}", case.shown)).collect();
    assert!(open.is_empty(), "not settled:\n{}", open.join("\n"));
    let unexpected = cases.iter().filter_map(|(name, case)| {
        case.unexpected.as_ref().map(|unexpected| format!("{name}: {unexpected}"))
    });
    let unexpected: Vec<_> = unexpected.collect();
    let is_current = unexpected.is_empty() || bless::is_on();
    assert!(is_current, "`cargo xtask bless` rewrites:\n{}", unexpected.join("\n"));
    files.iter().for_each(|(path, text)| bless::settle(path, text).unwrap());
}

#[test]
fn the_ablation_comes_to_what_is_pinned() {
    let _alone = alone();
    let plan = AblationPlan {
        instance: None,
        variant: Variant::Hardened,
        rules: Rule::ALL.to_vec(),
        table: ablate::table().unwrap(),
    };
    let study = plan.run(&Searcher::silent(2)).unwrap();
    let rows: Vec<_> = study
        .rules
        .iter()
        .map(|ablation| ablate::AblationRow {
            rule: ablation.rule.into(),
            instance: ablation.case.instance.clone(),
            shown: ablation.case.shown.clone(),
        })
        .collect();
    let cases: Vec<_> = study.rules.iter().map(|a| (a.rule.to_owned(), &a.case)).collect();
    let files = [
        ("checker/ablations.toml", studies::ablations(&rows)),
        ("docs/ablation.md", markdown::ablation(&study)),
    ];
    assert_say_why(&cases, &[markdown::ablation(&study), text::ablation(&study)]);
    let departs = |case: &StudyCase| {
        case.explanation.as_ref().is_none_or(|explanation| !explanation.departs.is_empty())
    };
    let nowhere: Vec<_> = cases.iter().filter(|(_, case)| !departs(case)).collect();
    assert!(nowhere.is_empty(), "a rule is left out, and no step departs: {nowhere:?}");
    settle(&cases, &files);
}

#[test]
fn the_matrix_comes_to_what_is_pinned() {
    let _alone = alone();
    let matrix = Matrix::run(&Searcher::silent(2), &matrix::table().unwrap());
    let cells =
        || matrix.variants.iter().flat_map(|line| line.cells.iter().map(move |cell| (line, cell)));
    let rows: Vec<_> = cells()
        .map(|(line, cell)| matrix::MatrixRow {
            variant: line.variant.into(),
            faults: cell.faults.into(),
            idle: cell.case.idle,
            shown: cell.case.shown.clone(),
        })
        .collect();
    let cases: Vec<_> =
        cells().map(|(l, c)| (format!("{}, {}", l.variant, c.faults), &c.case)).collect();
    let files = [
        ("checker/matrix.toml", studies::matrix(&rows)),
        ("docs/matrix.md", markdown::matrix(&matrix)),
    ];
    assert_say_why(&cases, &[text::matrix(&matrix)]);
    settle(&cases, &files);
}

#[test]
fn the_table_of_ablations_names_every_rule_once() {
    let rows = ablate::table().unwrap();
    let named: Vec<_> = rows.iter().map(|row| row.rule.as_str()).collect();
    let rules: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(named, rules, "checker/ablations.toml on the left, Rule::ALL on the right");
}

/// `published` without faults is what the patent describes, and `hardened` is what is promised.
#[test]
fn the_table_of_the_matrix_says_what_is_promised() {
    let rows = matrix::table().unwrap();
    let holds = |row: &&matrix::MatrixRow| row.shown.verdict() == "holds";
    let hardened: Vec<_> = rows.iter().filter(|row| row.variant == "hardened").collect();
    assert!(!hardened.is_empty());
    let broken: Vec<_> = hardened.iter().filter(|row| !holds(row)).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let unfaulted = |row: &&&matrix::MatrixRow| row.variant == "published" && row.faults == "none";
    assert!(holds(rows.iter().find(|row| unfaulted(&row)).as_ref().unwrap()));
}

#[test]
fn every_reason_stands_in_the_spec_under_its_rule() {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let spec = files(&["SPEC.md"]).unwrap().remove(0).text;
    let sections: BTreeMap<String, String> =
        sections(&spec).into_iter().map(|(id, text)| (id, plain(&text))).collect();
    for (rule, reason) in REASONS {
        let section = &sections[rule.id()];
        assert!(section.contains(&plain(reason)), "SPEC.md does not say under {rule}: {reason}");
    }
}
