//! The conformance kit finds the seeded defects that it is said to find, enough of them, and no fault where there is none.
//! With `BLESS` set in the environment, the table is rewritten by the whole matrix, and the page by the table. Implementations
//! and levels that it names are done alone; the other rows stay.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use strum::{EnumCount, IntoEnumIterator};
use syncsplit_conform::process::Adapter;
use syncsplit_conform::session::AdapterOptions;
use syncsplit_conform::wire::Level;
use syncsplit_conform::{directed, run};
use syncsplit_study::ablate;
use syncsplit_tests::bless;
use syncsplit_tests::defects::Defect;
use syncsplit_tests::kills::page::{self, PAGE, TABLE};
use syncsplit_tests::kills::{self, Cases, KillRow, Subject};
use syncsplit_tests::source::root;

const ADAPTER: &str = env!("CARGO_BIN_EXE_syncsplit-adapter");
const MINIMAL: &str = "checker/adapters/minimal.py";
const DEFECTIVE: &str = "checker/adapters/defective.py";

/// What share of a subject's defects has to be found at a level, in percent.
const fn goal(level: Level) -> usize {
    match level {
        Level::Steered => 100,
        Level::Marked => 90,
        Level::BlackBox => 60,
    }
}

fn subjects() -> Vec<Subject> {
    let ours = Defect::iter().map(|defect| kills::Defect {
        name: defect.name().into(),
        says: defect.says().into(),
        rule: defect.rule().id().into(),
        is_left_out: defect.is_left_out(),
    });
    let defective = root().join(DEFECTIVE);
    vec![
        Subject {
            name: "syncsplit-impl",
            correct: format!("'{ADAPTER}'"),
            command: format!("'{ADAPTER}' --defect"),
            levels: vec![Level::Steered, Level::Marked, Level::BlackBox],
            defects: ours.collect(),
        },
        Subject {
            name: "minimal.py",
            correct: format!("python3 '{}'", root().join(MINIMAL).display()),
            command: format!("python3 '{}'", defective.display()),
            levels: vec![Level::Marked, Level::BlackBox],
            defects: kills::of_python(&fs::read_to_string(&defective).unwrap()),
        },
    ]
}

fn rows() -> Vec<KillRow> {
    page::rows(&fs::read_to_string(root().join(TABLE)).unwrap()).unwrap()
}

/// The implementations and the levels that the environment names.
fn asked() -> (Vec<String>, Vec<String>) {
    let asked = std::env::var("BLESS").unwrap_or_default();
    let words = asked.split(',').filter(|word| !["", "1"].contains(word)).map(str::to_owned);
    let levels = [Level::Steered, Level::Marked, Level::BlackBox].map(Level::name);
    words.partition(|word| !levels.contains(&word.as_str()))
}

#[test]
fn enough_is_found() {
    let rows = rows();
    for subject in subjects() {
        for level in &subject.levels {
            let (found, all) = page::killed(&subject, *level, &rows);
            let (name, level_name) = (subject.name, level.name());
            assert!(all > 0, "{name} has no defect");
            assert!(100 * found >= goal(*level) * all, "{name}, {level_name}: {found} of {all}");
        }
    }
}

/// A third at most are the protocol without a rule, which is what the kit is made from.
#[test]
fn most_defects_are_mistakes_in_the_code() {
    let left_out = Defect::iter().filter(|defect| defect.is_left_out()).count();
    assert!(Defect::COUNT >= 30 && 3 * left_out <= Defect::COUNT, "{left_out}");
}

#[test]
fn every_defect_has_its_rows_and_the_page_is_current() {
    let (subjects, rows) = (subjects(), rows());
    let expected: Vec<_> = subjects
        .iter()
        .flat_map(|subject| subject.defects.iter().map(move |defect| (subject, defect)))
        .flat_map(|(subject, defect)| {
            let row = |level: &Level| (subject.name, defect.name.as_str(), level.name());
            subject.levels.iter().map(row).collect::<Vec<_>>()
        })
        .collect();
    let found: Vec<_> =
        rows.iter().map(|r| (r.of.as_str(), r.defect.as_str(), r.level.as_str())).collect();
    assert_eq!(
        found, expected,
        "{TABLE} on the left; `cargo xtask bless --only kills` rewrites it"
    );
    bless::settle(PAGE, &page::page(&subjects, &rows)).unwrap();
}

#[test]
fn a_part_of_the_matrix_is_renewed_and_the_rest_stays() {
    let (all, old) = (subjects(), rows());
    let wanted = kills::only(all.clone(), &["minimal.py".into()], &["marked".into()]).unwrap();
    let levels: Vec<_> = wanted.iter().map(|subject| (subject.name, &subject.levels[..])).collect();
    assert_eq!(levels, [("minimal.py", &[Level::Marked][..])]);
    let stranger = kills::only(all.clone(), &[], &["blackbox".into()]).unwrap_err();
    assert!(stranger.contains("blackbox") && stranger.contains("black-box"), "{stranger}");
    let mut found = old[7].clone();
    found.cases += 1;
    let mut expected = old.clone();
    expected[7] = found.clone();
    assert_eq!(kills::renewed(&all, &old, &[found]), expected);
}

#[test]
fn the_python_defects_are_those_it_lists() {
    let listed = Command::new("python3").arg(root().join(DEFECTIVE)).arg("--list").output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let subjects = subjects();
    let names: Vec<_> = subjects[1].defects.iter().map(|defect| defect.name.as_str()).collect();
    assert_eq!(names, listed.lines().collect::<Vec<_>>());
}

#[test]
fn each_case_that_is_named_finds_its_defect() {
    let unconfirmed = kills::unconfirmed(&subjects(), &rows()).unwrap();
    assert!(unconfirmed.is_empty(), "\n{}\n", unconfirmed.join("\n"));
}

/// A rule left out is found by its own case, and reported by a script from which nothing can be left out. Up to where it
/// shows, and with what every script ends with, it takes no more steps than the shortest way to the harm that `ablate` finds;
/// fewer, where the state is wrong before there is harm. A promise that is not kept shows only as an ending that does not
/// come, so that there the script alone is counted. Where acknowledgements are no steps of the instance they are none here.
#[test]
fn a_rule_left_out_is_reported_by_a_script_no_longer_than_the_shortest_way_to_the_harm() {
    let (rows, cases) = (ablate::table().unwrap(), directed::cases().unwrap());
    let left_out: Vec<_> = Defect::iter().filter(|defect| defect.is_left_out()).collect();
    let work = |(): &mut (), defect: &Defect| {
        let (name, rule) = (defect.name(), defect.rule());
        let row = rows.iter().find(|row| row.rule == rule.id()).unwrap();
        let by_hand = &cases.iter().find(|(of, _)| *of == rule).unwrap().1;
        let around = row.shown.cycle().unwrap_or_default();
        let shortest = row.shown.steps().map_or(by_hand.verbs.len(), |steps| steps + around);
        let command = format!("'{ADAPTER}' --defect {name}");
        let (limit, interrupt) = (Duration::from_secs(10), Arc::new(AtomicBool::new(false)));
        let mut adapter = Adapter::start(&command, limit, &interrupt, false).unwrap();
        let how = AdapterOptions {
            level: Level::Steered,
            sync_ms: 1000,
            seed: kills::SEED,
            lease_ms: 10_000,
        };
        let first = run::script(&mut adapter, how, by_hand, &[]).unwrap().unwrap();
        assert!(first.failure.is_some(), "{name} is not found by its own case");
        let (script, shown) = run::shrink(&mut adapter, how, by_hand, first).unwrap();
        let is_promise = row.shown.cycle().is_some();
        let counted = if is_promise { script.verbs.len() } else { shown.log.len() };
        let has_replies = !["order", "ci"].contains(&row.instance.as_str());
        let is_step = |verb: &str| has_replies || !verb.starts_with("deliver-reply");
        let steps = shown.log[..counted].iter().filter(|(verb, _)| is_step(verb)).count();
        assert!(steps <= shortest, "{name}: {steps} steps, ablate {shortest}: {script}");
        // An ending that does not come takes long, and there are as many as scripts that end so.
        let verbs = if is_promise { 0 } else { script.verbs.len() };
        for at in 0..verbs {
            let mut shorter = script.clone();
            let left_out = shorter.verbs.remove(at);
            let again = run::script(&mut adapter, how, &shorter, &[]).unwrap().unwrap();
            assert!(again.failure.is_none(), "{name}: {script} fails without {left_out}");
        }
        Ok(())
    };
    kills::side_by_side(&left_out, || Ok(()), work).unwrap();
}

/// What the defects are seeded in has no fault that the kit finds.
#[test]
fn no_fault_is_found_where_there_is_none() {
    let mut subject = Subject { levels: vec![Level::Steered], ..subjects().remove(0) };
    subject.defects.truncate(1);
    let about = |_: &Subject, _: &str, cases: &Cases| Ok((cases.count(), cases.alarms()?));
    let done = kills::each(&[subject], about).unwrap();
    assert!(done[0].0 > 1000, "{}", done[0].0);
    assert!(done[0].1.is_empty(), "{:?}", done[0].1);
}

#[test]
#[ignore = "every case of every defect; `cargo xtask bless --only kills` rewrites them"]
fn the_whole_matrix_comes_to_what_is_pinned() {
    let all = subjects();
    let (of, levels) = asked();
    let wanted = kills::only(all.clone(), &of, &levels).unwrap();
    let found = kills::matrix(&wanted).unwrap();
    let renewed = kills::renewed(&all, &rows(), &found);
    bless::settle(TABLE, &page::table(&renewed)).unwrap();
    bless::settle(PAGE, &page::page(&all, &renewed)).unwrap();
}
