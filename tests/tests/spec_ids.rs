//! SPEC.md, code, tests and the table of pinned checks speak of the same rules and properties.

use std::collections::BTreeSet;

use stateright::Expectation;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::WorldProperty;
use syncsplit_study::ablate;
use syncsplit_study::case::CaseFinding;
use syncsplit_study::words::thousands;
use syncsplit_tests::ids::{cited, defined, ids, sections, stories, unknown};
use syncsplit_tests::pinned::{PinnedAnswer, PinnedCheck, PinnedChecks};
use syncsplit_tests::source::{Source, files};

/// The file that lists every rule, so that a rule named nowhere else is not yet kept by anything.
const LIST: &str = "model/src/protocol/rules.rs";

fn page(path: &str) -> String {
    let found = files(&[path]).unwrap();
    found.into_iter().find(|source| source.path == path).unwrap().text
}

fn spec() -> String {
    page("SPEC.md")
}

fn names(rules: impl IntoIterator<Item = Rule>) -> Vec<&'static str> {
    rules.into_iter().map(Rule::id).collect()
}

#[test]
fn spec_and_code_have_the_same_rules() {
    let in_code: BTreeSet<String> = Rule::ALL.iter().map(|rule| rule.id().to_owned()).collect();
    let in_spec = defined(&spec());
    assert_eq!(in_spec, in_code, "headings of SPEC.md on the left, Rule::ALL on the right");
    assert_eq!(sections(&spec()).len(), in_spec.len(), "a rule has two headings");
}

#[test]
fn every_rule_is_cited_by_code() {
    let sources = files(&[".rs"]).unwrap();
    let code = sources.iter().filter(|source| source.is_in("model/src") && source.path != LIST);
    let found: BTreeSet<Rule> = code.flat_map(|source| cited(source, false).unwrap()).collect();
    let missing = names(Rule::ALL.iter().copied().filter(|rule| !found.contains(rule)));
    assert!(missing.is_empty(), "cited by no line of model/src: {missing:?}");
}

#[test]
fn every_rule_is_cited_by_a_test() {
    let sources = files(&[".rs"]).unwrap();
    let tests = sources.iter().filter(|source| !source.path.ends_with("/spec_ids.rs"));
    let mut found: BTreeSet<Rule> = tests.flat_map(|source| cited(source, true).unwrap()).collect();
    // A row that leaves the rule out and must come to a counterexample is a test of the rule.
    let broken =
        ablate::table().unwrap().into_iter().filter(|row| row.shown != CaseFinding::Nothing {});
    found.extend(broken.map(|row| row.rule.parse::<Rule>().unwrap()));
    let missing = names(Rule::ALL.iter().copied().filter(|rule| !found.contains(rule)));
    assert!(missing.is_empty(), "cited by no test: {missing:?}");
}

#[test]
fn no_unknown_rule_is_cited() {
    let defined = defined(&spec());
    let sources = files(&[".rs", ".md", ".toml"]).unwrap();
    let findings: Vec<_> = sources.iter().flat_map(|source| unknown(source, &defined)).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn every_property_stands_in_the_spec() {
    let spec = spec();
    let always =
        WorldProperty::ALL.iter().filter(|property| property.kind() == Expectation::Always);
    let missing: Vec<_> =
        always.map(|p| p.name()).filter(|name| !spec.contains(&format!("| `{name}` |"))).collect();
    assert!(missing.is_empty(), "no row of a table in SPEC.md opens with: {missing:?}");
}

#[test]
fn every_always_has_its_twin() {
    for pair in WorldProperty::ALL.chunks(2) {
        let [always, twin] = pair else { panic!("{} stands alone", pair[0].name()) };
        assert_eq!(always.kind(), Expectation::Always, "{}", always.name());
        assert_eq!(twin.kind(), Expectation::Sometimes, "{}", twin.name());
        assert_eq!(twin.name(), format!("{}/reached", always.name()));
    }
}

#[test]
fn every_story_in_the_spec_is_pinned() {
    let rows = PinnedChecks::read().unwrap().rows;
    let ablations = ablate::table().unwrap();
    let mut missing = Vec::new();
    for (id, text) in sections(&spec()) {
        for (property, steps) in stories(&text) {
            let shown = CaseFinding::Always { property: property.clone(), steps };
            let told = ablations.iter().any(|row| row.rule == id && row.shown == shown);
            let told = told
                || rows.iter().any(|row| {
                    let answer = &row.answer;
                    row.without.contains(&id)
                        && answer.violated.contains(&property)
                        && answer.steps == steps
                });
            if !told {
                missing.push(format!("{id}: `{property}`, {steps} steps"));
            }
        }
    }
    assert!(missing.is_empty(), "told in SPEC.md, found by no row:\n{}\n", missing.join("\n"));
}

#[test]
fn the_spec_gives_each_instance_the_size_that_is_pinned() {
    let spec = spec();
    let rows = PinnedChecks::read().unwrap().rows;
    for row in rows.iter().filter(|row| row.is_whole()) {
        let PinnedAnswer { states, transitions, depth, .. } = &row.answer;
        let [states, transitions] = [*states, *transitions].map(thousands);
        let line = format!("| `{}` | {states} | {transitions} | {depth} |", row.instance);
        assert!(spec.contains(&line), "SPEC.md has no row {line}");
    }
}

#[test]
fn the_readme_shows_the_counts_that_are_pinned() {
    let readme = page("README.md");
    let rows = PinnedChecks::read().unwrap().rows;
    let is_default = |row: &&PinnedCheck| row.instance == "ci" && row.is_whole();
    let PinnedAnswer { states, transitions, depth, .. } =
        &rows.iter().find(is_default).unwrap().answer;
    let [states, transitions] = [*states, *transitions].map(thousands);
    let text = format!(
        "\n  states       {states}\n  transitions  {transitions}\n  depth        {depth}\n"
    );
    assert!(readme.contains(&text), "README.md does not say{text}");
}

#[test]
fn an_unknown_id_is_caught() {
    let number_nine = |kind: &str| format!("{kind}-9");
    let defined =
        defined("### SYNC-1\n### RESYNC-1 **H**\nprose\nXFER-1 in prose\n- PAIR-1 in a list");
    assert_eq!(defined, BTreeSet::from(["RESYNC-1".into(), "SYNC-1".into()]));
    for text in [number_nine("SYNC"), format!("// ({}).", number_nine("TAKEOVER")), "XFER-1".into()]
    {
        assert_eq!(unknown(&Source::new("a.md", &text), &defined).len(), 1, "{text}");
    }
    for text in ["RESYNC-1, SYNC-1.", "ASYNC-1", "SYNC-1x", "MY_PAIR-7", "SYNC-", "`SYNC`-7"] {
        assert_eq!(unknown(&Source::new("a.md", text), &defined).len(), 0, "{text}");
    }
    assert_eq!(ids("a\nRESYNC-1 SYNC-1"), [(2, "RESYNC-1".into()), (2, "SYNC-1".into())]);
}

#[test]
fn a_citation_is_told_from_a_look_alike_and_code_from_tests() {
    let text = "//! SYNC-1\nfn f() { has(Rule::Sync5) }\n#[cfg(test)]\nmod tests {\n// PAIR-1\n}\n";
    let source = Source::new("model/src/protocol/sync.rs", text);
    assert_eq!(cited(&source, false).unwrap(), BTreeSet::from([Rule::Sync1, Rule::Sync5]));
    assert_eq!(cited(&source, true).unwrap(), BTreeSet::from([Rule::Pair1]));
    let alike = Source::new("model/src/a.rs", "fn f() { has(Rule::Sync52); Resync1 }");
    assert_eq!(cited(&alike, false).unwrap(), BTreeSet::new());
    let test = Source::new("impl/tests/a.rs", "fn f() { has(Rule::Sync5) }");
    assert_eq!(cited(&test, true).unwrap(), BTreeSet::from([Rule::Sync5]));
}

#[test]
fn a_story_is_read_from_prose() {
    let text = "**Without it** `image-is-prefix` and\n`covered`, 4\n steps: (1) `x`, 1 step: y; `ci`, 2 blocks";
    assert_eq!(stories(text), [("covered".into(), 4), ("x".into(), 1)]);
}
