//! `ablate`, `matrix` and JUnit as a user and a CI job meet them. That every outcome is the pinned one is tested where
//! the tables are.
use predicates::prelude::*;
use serde_json::Value;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{FaultClass, Variant, Verdict};
use syncsplit_study::ablate::{self, AblationPlan, AblationRow};
use syncsplit_study::case::{self, CaseFinding, Searcher};
use syncsplit_study::instance::Instance;
use syncsplit_study::matrix::{self, Matrix};

use crate::command::{json, stdout, syncsplit};

fn plan(rules: &[Rule], table: Vec<AblationRow>) -> AblationPlan {
    AblationPlan { instance: None, variant: Variant::Hardened, rules: rules.to_vec(), table }
}

fn row(rule: Rule, instance: &str, shown: CaseFinding) -> AblationRow {
    AblationRow { rule: rule.id().into(), instance: instance.into(), shown }
}

fn always(property: &str, steps: usize) -> CaseFinding {
    CaseFinding::Always { property: property.into(), steps }
}

#[test]
fn a_rule_left_out_shows_its_counterexample() {
    let only = ["ablate", "--only", "XFER-2", "--only", "freeze-2"];
    let study = json(&only, 0);
    let rules = study["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
    let broken = &rules[0];
    assert_eq!(broken["rule"], "XFER-2");
    assert_eq!(broken["violated"], true);
    assert!(broken["property"].is_string() && broken["instance"].is_string());
    let trace = broken["trace"].as_array().unwrap();
    assert_eq!(trace.len() as u64, broken["steps"].as_u64().unwrap());
    assert!(trace.iter().all(|step| step["who"].is_string() && step["what"].is_string()));
    let says = predicate::str::starts_with("ABLATE: ")
        .and(predicate::str::contains(", as expected\n"))
        .and(predicate::str::is_match(r"\n  step +who +what +rules +changed").unwrap());
    syncsplit(&only).assert().code(0).stdout(says);
}

#[test]
fn a_rule_that_breaks_nothing_is_a_finding_with_its_reason() {
    let rule =
        ablate::table().unwrap().into_iter().find(|row| row.shown == CaseFinding::Nothing {});
    let Some(rule) = rule else { return };
    let study = json(&["ablate", "--only", &rule.rule], 0);
    assert_eq!(study["rules"][0]["violated"], false);
    assert!(study["rules"][0]["reason"].is_string());
    let page = stdout(&["ablate", "--only", &rule.rule, "--format", "markdown"], 0);
    assert!(page.contains("## Findings") && page.contains(&format!("| {} |", rule.rule)), "{page}");
}

#[test]
fn on_another_instance_or_variant_nothing_is_expected() {
    let study = json(&["ablate", "late", "--only", "PAIR-3"], 0);
    assert_eq!(
        (&study["compared"], &study["rules"][0]["instance"]),
        (&false.into(), &"late".into())
    );
    let study = json(&["ablate", "smoke", "--variant", "published", "--only", "WRITE-1"], 0);
    assert_eq!(study["variant"], "published");
    let message = predicate::str::contains("SYNC-5 is not in force here")
        .and(predicate::str::contains("WRITE-1"));
    let absent = ["ablate", "--variant", "published", "--only", "SYNC-5"];
    syncsplit(&absent).assert().code(2).stdout("").stderr(message);
    syncsplit(&["ablate", "./no.toml"]).assert().code(2).stdout("");
    syncsplit(&["ablate", "huge"]).assert().code(2).stdout("");
}

#[test]
fn a_page_of_ablations_has_a_table_and_no_time() {
    let page = stdout(&["ablate", "--only", "XFER-2", "--format", "markdown"], 0);
    assert!(
        page.contains("\n| step | who | what | rules | changed |\n|---|---|---|---|---|\n| 1"),
        "{page}"
    );
    assert!(!page.contains("seconds") && !page.contains("GiB"), "{page}");
    assert_eq!(
        page,
        stdout(&["ablate", "--only", "XFER-2", "--format", "markdown", "--threads", "1"], 0)
    );
}

#[test]
fn what_is_not_as_the_table_says_exits_1() {
    let found = always("difference-is-covered", 3);
    let others = [
        always("difference-is-covered", 4),
        always("image-is-prefix", 3),
        CaseFinding::Promise { property: "difference-is-covered".into(), stem: 3, cycle: 1 },
        CaseFinding::Never { property: "difference-is-covered".into() },
        CaseFinding::Nothing {},
    ];
    let run =
        |table: Vec<AblationRow>| plan(&[Rule::Xfer2], table).run(&Searcher::silent(1)).unwrap();
    let study = run(vec![row(Rule::Xfer2, "smoke", found.clone())]);
    assert_eq!(
        (study.rules[0].case.unexpected.clone(), &study.rules[0].case.shown),
        (None, &found)
    );
    assert_eq!(case::verdict(study.rules.iter().map(|a| &a.case)), Ok(Verdict::Holds));
    for other in others {
        let study = run(vec![row(Rule::Xfer2, "smoke", other.clone())]);
        let unexpected = study.rules[0].case.unexpected.clone().unwrap_or_default();
        assert!(unexpected.contains(&format!("expected {other}, found {found}")), "{unexpected}");
        assert_eq!(case::verdict(study.rules.iter().map(|a| &a.case)), Ok(Verdict::Violated));
    }
    // A rule that the table does not name is tried on small instances, and has no outcome to be compared with.
    let study = run(Vec::new());
    assert!(study.rules[0].case.unexpected.as_ref().unwrap().contains("no expected outcome"));
}

#[test]
fn a_row_is_read_as_it_is_written() {
    let shown = [
        always("image-is-prefix", 1),
        CaseFinding::Promise { property: "thawed".into(), stem: 7, cycle: 2 },
        CaseFinding::Never { property: "invariants/reached".into() },
        CaseFinding::Nothing {},
    ];
    for shown in shown {
        let row = row(Rule::Sync5, "ci", shown);
        let toml = format!("row = {}", row.line());
        let table: std::collections::BTreeMap<String, AblationRow> = toml::from_str(&toml).unwrap();
        assert_eq!(table["row"], row, "{toml}");
    }
}

#[test]
fn a_study_cut_short_exits_3() {
    let says = predicate::str::contains("undecided: the limit of states was reached");
    let cut = ["ablate", "smoke", "--only", "SYNC-4", "--states", "1000"];
    syncsplit(&cut).assert().code(3).stdout(says.clone());
    let matrix = predicate::str::contains("none").and(says);
    syncsplit(&["matrix", "--states", "10"]).assert().code(3).stdout(matrix);
}

#[test]
fn the_matrix_has_every_variant_and_every_class() {
    // A few states each: what every cell comes to in full is tested where its table is.
    let cut = ["matrix", "--states", "10", "--format", "json"];
    let matrix: Value = serde_json::from_str(&stdout(&cut, 3)).unwrap();
    let variants = matrix["variants"].as_array().unwrap();
    let names: Vec<_> = variants.iter().map(|line| line["variant"].as_str().unwrap()).collect();
    assert_eq!(names, Variant::ALL.iter().map(|variant| variant.name()).collect::<Vec<_>>());
    for line in variants {
        let cells = line["cells"].as_array().unwrap();
        let columns: Vec<_> = cells.iter().map(|cell| cell["faults"].as_str().unwrap()).collect();
        let classes = FaultClass::ALL.iter().map(|class| class.name());
        assert_eq!(columns, std::iter::once("none").chain(classes).collect::<Vec<_>>());
        assert!(cells.iter().all(|cell| cell["verdict"] == "undecided"), "{line}");
    }
    let page = stdout(&["matrix", "--states", "10", "--format", "markdown"], 3);
    assert!(page.contains("| variant | none | link failure |"), "{page}");
}

#[test]
fn a_cell_that_is_not_as_the_table_says_is_unexpected() {
    let table = matrix::table().unwrap();
    let tampered: Vec<_> = table
        .iter()
        .cloned()
        .map(|row| matrix::MatrixRow { shown: always("image-is-prefix", 1), ..row })
        .collect();
    let mut case = {
        let smoke = Instance::named("smoke").unwrap();
        let searcher = Searcher::silent(1);
        let mut question = searcher.question(smoke);
        question.without = vec![Rule::Xfer2];
        searcher.search(&question, "")
    };
    let found = case.shown.clone();
    case.expect(Some(&tampered[0].shown), false);
    assert!(case.unexpected.as_ref().unwrap().contains("expected image-is-prefix in 1 step"));
    case.expect(Some(&found), true);
    assert!(case.unexpected.as_ref().unwrap().contains("faults without effect"));
    case.expect(Some(&found), false);
    assert_eq!(case.unexpected, None);
    // Not one row of the table is spare: each names a cell.
    let cells = Matrix::cells();
    for row in &table {
        assert!(cells.contains(&(row.variant.as_str(), row.faults.as_str())), "{row:?}");
    }
    assert_eq!(table.len(), cells.len());
}

#[test]
fn junit_has_a_case_for_each_property() {
    let xml = stdout(&["check", "smoke", "--format", "junit"], 0);
    assert!(xml.starts_with("<?xml version=\"1.0\""), "{xml}");
    assert!(xml.contains("failures=\"0\" errors=\"0\""), "{xml}");
    assert!(xml.contains("<testcase name=\"backup-is-frozen-image\""), "{xml}");
    for property in ["states", "transitions", "depth", "bounds", "without", "variant"] {
        assert!(
            xml.contains(&format!("<property name=\"{property}\" value=")),
            "{property}: {xml}"
        );
    }
}

#[test]
fn junit_shows_a_violation_as_failure_with_the_table() {
    let xml = stdout(&["check", "smoke", "--without", "XFER-2", "--format", "junit"], 1);
    let failure = xml.split("<testcase name=\"difference-is-covered\"").nth(1).unwrap();
    let failure = failure.split("</testcase>").next().unwrap();
    assert!(failure.contains("<failure message=\"violated; a shortest way there has"), "{failure}");
    assert!(failure.contains("\n  step  who") && failure.contains("-&gt;"), "{failure}");
    assert!(xml.contains("failures=\"1\" errors=\"0\""), "{xml}");
}

#[test]
fn junit_skips_what_a_limit_left_open_and_fails_the_search() {
    let xml = stdout(&["check", "smoke", "--states", "10", "--format", "junit"], 3);
    assert!(
        xml.contains("<skipped message=\"undecided: the limit of states was reached\"/>"),
        "{xml}"
    );
    assert!(!xml.contains("<failure") && xml.contains("errors=\"1\""), "{xml}");
    let xml =
        stdout(&["ablate", "smoke", "--only", "SYNC-4", "--states", "9", "--format", "junit"], 3);
    assert!(xml.contains("<testcase name=\"SYNC-4\"") && xml.contains("<error"), "{xml}");
}

#[test]
fn junit_passes_what_was_expected() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../instances/example.toml");
    let xml = stdout(&["check", example, "--format", "junit"], 0);
    assert!(xml.contains("<testcase name=\"expected\""), "{xml}");
    assert!(xml.contains("violated, as expected:") && !xml.contains("<failure"), "{xml}");
    let xml = stdout(&["ablate", "--only", "XFER-2", "--format", "junit"], 0);
    assert!(xml.contains("<testcase name=\"XFER-2\"") && !xml.contains("<failure"), "{xml}");
}

#[test]
fn an_engine_that_fails_is_an_error_in_junit() {
    let broken = syncsplit_study::report::junit::broken("check", "smoke", &"no <luck>");
    let xml = broken.to_string().unwrap();
    assert!(
        xml.contains("errors=\"1\"") && xml.contains("<error message=\"no &lt;luck&gt;\""),
        "{xml}"
    );
}

#[test]
fn a_rule_without_a_row_is_tried_until_something_breaks() {
    let mut table = ablate::table().unwrap();
    for row in &table {
        assert!(ablate::TRIED.contains(&row.instance.as_str()), "{} is not tried", row.instance);
    }
    for name in ablate::TRIED {
        assert!(Instance::named(name).is_some(), "no instance is called {name}");
    }
    table.retain(|row| row.rule != Rule::Takeover1.id());
    let plan = AblationPlan {
        instance: None,
        variant: Variant::Hardened,
        rules: vec![Rule::Takeover1],
        table,
    };
    let study = plan.run(&Searcher::silent(1)).unwrap();
    let case = &study.rules[0].case;
    assert_eq!(
        (case.instance.as_str(), case.shown.clone()),
        ("takeover", always("image-is-prefix", 1))
    );
    assert!(case.unexpected.is_some(), "the missing row is not named");
}
