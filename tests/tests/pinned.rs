//! Every check of `tests/pinned.toml` comes to what it is pinned to, on any number of threads, again and again, and by an
//! engine that shares no code with ours.

use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{Faults, Instance};
use syncsplit_study::ablate;
use syncsplit_study::case::CaseFinding;
use syncsplit_study::question::Engine;
use syncsplit_tests::bless;
use syncsplit_tests::pinned::{PinnedCheck, PinnedChecks, alone, ask};

/// Rules whose absence must show a counterexample, wherever it is searched.
const NEEDED: &[Rule] = &[
    Rule::Sync3,
    Rule::Sync5,
    Rule::Split1,
    Rule::Split2,
    Rule::Backup2,
    Rule::Xfer2,
    Rule::Xfer3,
    Rule::Xfer4,
    Rule::Pair3,
    Rule::Freeze1,
    Rule::Resync1,
    Rule::Resync3,
];

/// The instance that takes longer than everything else together, and so has a command of its own.
const NIGHTLY: &str = "nightly";

/// One space of states, with promises and without, which `cargo xtask test` searches once: its step `check` does, and holds
/// what it finds to both rows.
const BY_COMMAND: [&str; 2] = ["ci", "all-promises"];

/// Reduced spaces of more states than this wait for `cargo xtask nightly`.
const REDUCED_MAX: u64 = 320_000;

/// Checks each row that `wanted` picks; with `BLESS` set in the environment, rewrites what it comes to instead.
fn check(wanted: impl Fn(&PinnedCheck) -> bool) {
    let _alone = alone();
    let mut table = PinnedChecks::read().unwrap();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in table.rows.iter_mut().filter(|row| wanted(row)) {
        rows += 1;
        let pinned = row.line();
        row.answer = row.ask().unwrap();
        if row.line() != pinned {
            wrong.push(format!("pinned {pinned},\nfound  {},", row.line()));
        }
    }
    assert!(rows > 0, "pinned.toml has no such row");
    if bless::is_on() {
        table.write().unwrap();
    } else {
        assert!(wrong.is_empty(), "\n{}\n`cargo xtask bless` rewrites them.\n", wrong.join("\n"));
    }
}

#[test]
fn the_hardened_protocol_comes_to_what_is_pinned() {
    check(|row| {
        let is_elsewhere = row.instance == NIGHTLY || BY_COMMAND.contains(&&*row.instance);
        row.is_whole() && !is_elsewhere
    });
}

#[test]
#[ignore = "`cargo xtask test --only check` compares it; `cargo xtask bless` rewrites it by this"]
fn the_instance_of_the_readme_comes_to_what_is_pinned() {
    check(|row| row.is_whole() && BY_COMMAND.contains(&&*row.instance));
}

#[test]
fn the_instance_of_the_readme_is_searched_with_the_promises() {
    let [ci, promises] = BY_COMMAND.map(|name| Instance::named(name).unwrap());
    assert_eq!(ci.bounds, promises.bounds);
    assert!(promises.promises && !ci.promises);
    let rows = PinnedChecks::read().unwrap().rows;
    let answer = |name| rows.iter().find(|row| row.is_whole() && row.instance == name).unwrap();
    assert_eq!(answer(BY_COMMAND[0]).answer, answer(BY_COMMAND[1]).answer);
}

#[test]
fn a_reduced_space_comes_to_what_is_pinned() {
    check(|row| row.is_plain() && !row.is_whole() && row.answer.states <= REDUCED_MAX);
}

#[test]
#[ignore = "minutes: cargo xtask nightly"]
fn nightly_reduced_spaces_are_as_they_were_pinned() {
    check(|row| row.is_plain() && !row.is_whole() && row.answer.states > REDUCED_MAX);
}

#[test]
#[ignore = "tens of minutes: cargo xtask nightly"]
fn nightly_is_as_it_was_pinned() {
    check(|row| row.instance == NIGHTLY);
}

#[test]
fn the_published_protocol_comes_to_what_is_pinned() {
    check(|row| row.variant == "published");
}

#[test]
fn leaving_a_rule_out_comes_to_what_is_pinned() {
    check(|row| !row.is_plain() && row.variant != "published");
}

#[test]
fn the_table_pins_what_is_promised() {
    let rows = PinnedChecks::read().unwrap().rows;
    let verdict = |instance: &str, variant: &str, without: &[Rule]| {
        let ids: Vec<_> = without.iter().map(|rule| rule.id()).collect();
        let row = rows.iter().find(|row| {
            row.instance == instance
                && row.variant == variant
                && row.without == ids
                && row.property.is_empty()
        });
        row.map(|row| row.answer.verdict.clone())
            .unwrap_or_else(|| panic!("no row pins {instance}, {variant}, without {ids:?}"))
    };
    for instance in syncsplit_model::world::INSTANCES {
        assert_eq!(verdict(instance.name, "hardened", &[]), "holds", "{}", instance.name);
    }
    let ci = rows.iter().find(|row| row.instance == "ci" && row.is_whole()).unwrap();
    assert!(ci.answer.states >= 1_000_000, "the default check is too small to mean much");
    for instance in ["order", "ci"] {
        assert_eq!(verdict(instance, "published", &[]), "violated", "{instance}");
    }
    let table = ablate::table().unwrap();
    for rule in Rule::ALL {
        let row = table.iter().find(|row| row.rule == rule.id());
        let row = row.unwrap_or_else(|| panic!("no row says what happens without {rule}"));
        let shown = row.shown != CaseFinding::Nothing {};
        assert!(shown || !NEEDED.contains(rule), "nothing breaks without {rule}");
    }
    let all = Faults::all();
    let has = |name: &str| Instance::named(name).unwrap().bounds.faults;
    assert_eq!((has("ci"), has("all-promises")), (all, all), "every fault is on in both");
}

/// The report as JSON, less what may differ from run to run.
fn report(row: &PinnedCheck, threads: usize) -> serde_json::Value {
    let report = ask(&row.question(Engine::Native, threads).unwrap()).unwrap();
    let mut report = serde_json::to_value(report).unwrap();
    for field in ["seconds", "peak_bytes", "threads"] {
        report.as_object_mut().unwrap().remove(field).unwrap();
    }
    report
}

fn row(instance: &str, variant: &str, without: &[&str]) -> PinnedCheck {
    let without = without.iter().map(|id| (*id).to_owned()).collect();
    let (instance, variant) = (instance.into(), variant.into());
    PinnedCheck { instance, variant, without, ..PinnedCheck::default() }
}

#[test]
fn a_report_is_the_same_on_any_number_of_threads_and_again() {
    let _alone = alone();
    let rows = [
        row("smoke", "hardened", &[]),
        row("waits", "hardened", &["FREEZE-2"]),
        row("order", "hardened", &["SYNC-5"]),
        row("order", "hardened", &["FREEZE-1"]),
        row("order", "hardened", &["XFER-3"]),
        row("ci", "published", &[]),
    ];
    for row in rows {
        let first = report(&row, 1);
        for threads in [1, 2, 3] {
            assert_eq!(report(&row, threads), first, "{} on {threads} thread(s)", row.line());
        }
    }
}

/// Instances that stateright's engine, which keeps every state with its whole path, has room and time for.
const CROSS_CHECKED: &[&str] = &["smoke", "create", "takeover", "late", "order", "suspend"];

/// The pins are ours; another engine has to come to the same.
#[test]
fn another_engine_counts_the_same() {
    let _alone = alone();
    let table = PinnedChecks::read().unwrap();
    let is_checked = |row: &&PinnedCheck| row.is_whole() && CROSS_CHECKED.contains(&&*row.instance);
    for row in table.rows.iter().filter(is_checked) {
        let theirs = ask(&row.question(Engine::Stateright, 2).unwrap()).unwrap();
        let instance = &row.instance;
        assert_eq!(theirs.states, row.answer.states, "{instance}");
        assert_eq!(theirs.transitions, row.answer.transitions, "{instance}");
        for property in &theirs.properties {
            let verdict = if property.kind == "always" { "holds" } else { "reached" };
            assert_eq!(property.verdict, verdict, "{instance}, {}", property.name);
        }
    }
}
