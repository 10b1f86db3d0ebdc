//! Walks by chance: what they find, that a seed finds it again, and that finding nothing is no verdict.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{json, refused, stdout};

/// The report less its cost, which no seed decides.
fn report(arguments: &[&str], exit: i32) -> Value {
    let mut report = json(&[&["simulate"], arguments].concat(), exit);
    assert!(report.as_object_mut().unwrap().remove("seconds").unwrap().is_number());
    report
}

/// The property that was violated.
fn violated(report: &Value) -> &Value {
    let mut properties = report["properties"].as_array().unwrap().iter();
    properties.find(|property| property["verdict"] == "violated").unwrap()
}

#[test]
fn a_seed_finds_the_harm_of_a_missing_rule_and_finds_it_again() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("found.itf.json");
    let out = file.to_str().unwrap();
    let arguments = ["ci", "--without", "SYNC-5", "--seed", "2", "--runs", "50000"];
    let found = report(&[&arguments[..], &["--trace-out", out]].concat(), 1);
    let first = fs::read_to_string(&file).unwrap();
    assert_eq!(found["verdict"], "violated");
    assert_eq!(found["seed"], 2);
    let property = violated(&found);
    assert_eq!(property["name"], "sync-means-written");
    let steps = property["steps"].as_u64().unwrap();
    assert!(steps <= 24, "a run of {steps} steps was not made short");
    assert!(property["steps_walked"].as_u64().unwrap() >= steps);
    assert_eq!(property["trace"].as_array().unwrap().len() as u64, steps);
    assert_eq!(report(&[&arguments[..], &["--trace-out", out]].concat(), 1), found);
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    let says = stdout(&["replay", out], 0);
    assert!(says.contains("sync-means-written is violated at the end."), "{says}");
}

#[test]
fn a_seed_that_nobody_chose_is_printed_and_can_be_given() {
    let sizes = ["smoke", "--runs", "20", "--steps", "50"];
    let found = report(&sizes, 0);
    let seed = found["seed"].as_u64().unwrap().to_string();
    assert_eq!(report(&[&sizes[..], &["--seed", &seed]].concat(), 0), found);
    let says = stdout(&[&["simulate"], &sizes[..]].concat(), 0);
    let printed = says.lines().find_map(|line| line.strip_prefix("  seed     ")).unwrap();
    assert!(printed.parse::<u64>().is_ok(), "{says}");
    let other = report(&[&sizes[..], &["--seed", "1"]].concat(), 0);
    assert_ne!(report(&[&sizes[..], &["--seed", "2"]].concat(), 0)["actions"], other["actions"]);
}

#[test]
fn finding_nothing_is_not_called_holding() {
    let arguments = ["ci", "--seed", "1", "--runs", "30", "--steps", "40"];
    let says = stdout(&[&["simulate"], &arguments[..]].concat(), 0);
    assert!(says.starts_with("NO VIOLATION FOUND: ci, hardened\n"), "{says}");
    assert!(says.contains("nothing is claimed about any other"), "{says}");
    assert!(!says.to_lowercase().contains("holds"), "{says}");
    let report = report(&arguments, 0);
    assert_eq!(report["verdict"], "no-violation-found");
    assert_eq!((&report["runs"], &report["steps"]), (&30.into(), &1200.into()));
    assert_eq!((&report["deepest"], &report["stuck"]), (&40.into(), &0.into()));
    let actions = report["actions"].as_array().unwrap();
    let fired: u64 = actions.iter().map(|action| action["fired"].as_u64().unwrap()).sum();
    assert_eq!(fired, 1200, "every step is one action's");
    let verdicts: Vec<_> =
        report["properties"].as_array().unwrap().iter().map(|p| &p["verdict"]).collect();
    assert!(verdicts.contains(&&"reached".into()) && verdicts.contains(&&"not violated".into()));
}

#[test]
fn a_backup_is_finished_now_and_then_and_every_premise_is_reached() {
    let report = report(&["ci", "--seed", "1", "--runs", "1000"], 0);
    for property in report["properties"].as_array().unwrap() {
        assert_ne!(property["verdict"], "not reached", "{property}");
    }
    let actions = report["actions"].as_array().unwrap();
    let finished = actions.iter().find(|action| action["action"] == "FinishBackup").unwrap();
    assert!(finished["fired"].as_u64().unwrap() > 100, "{finished}");
}

#[test]
fn bounds_beyond_what_can_be_searched_are_taken_and_named() {
    let larger = ["ci", "--blocks", "3", "--journal", "3", "--frames", "2", "--acks", "2"];
    let sizes = ["--host-messages", "2", "--runs", "10", "--seed", "3"];
    let report = report(&[&larger[..], &sizes[..]].concat(), 0);
    let name = "ci with blocks 3, journal 3, frames 2, acks 2, host messages 2";
    assert_eq!(report["instance"], name);
    let bounds = report["bounds"].as_str().unwrap();
    assert!(bounds.starts_with("3 blocks, journal 3, 2 frame(s), 2 ack"), "{bounds}");
}

#[test]
fn impossible_arguments_are_refused_by_name() {
    for (arguments, says) in [
        (["--blocks", "4"], "--blocks: found 4; valid is 2 to 3"),
        (["--blocks", "1"], "--blocks: found 1; valid is 2 to 3"),
        (["--journal", "0"], "--journal: found 0; valid is 1 to 3"),
        (["--frames", "3"], "--frames: found 3; valid is 1 to 2"),
        (["--acks", "9"], "--acks: found 9; valid is 0 to 2"),
        (["--host-messages", "0"], "--host-messages: found 0; valid is 1 to 2"),
        (["--steps", "0"], "--steps"),
        (["--runs", "0"], "--runs"),
        (["--seed", "luck"], "--seed"),
    ] {
        refused(&[&["simulate"], &arguments[..]].concat(), &[says]);
    }
}
