//! The command as a user and a CI job meet it: exit codes, what stands on stdout and stderr, and how bad input is refused.

use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use predicates::prelude::*;
use serde_json::Value;

use crate::command::{json, refused, syncsplit};

#[test]
fn what_holds_exits_0_and_says_within_which_bounds() {
    let says = predicate::str::starts_with("HOLDS: smoke, hardened\n")
        .and(predicate::str::contains("2 blocks, journal 1"))
        .and(predicate::str::contains("every reachable state was seen"))
        .and(predicate::str::contains("is no claim beyond it"));
    syncsplit(&["check", "smoke"]).assert().code(0).stdout(says).stderr("");
}

#[test]
fn a_violation_exits_1_and_shows_the_steps() {
    let says = predicate::str::starts_with("VIOLATED: smoke, hardened without XFER-2\n")
        .and(predicate::str::contains("a shortest way there"))
        .and(predicate::str::is_match(r"step +who +what +rules +changed").unwrap())
        .and(predicate::str::is_match(r"\n +1  \w+").unwrap());
    syncsplit(&["check", "smoke", "--without", "XFER-2"]).assert().code(1).stdout(says);
}

#[test]
fn a_limit_exits_3_and_is_no_verdict() {
    for limit in [["--states", "1000"], ["--time", "1ms"], ["--memory", "1MB"]] {
        let report = json(&[&["check", "ci"], &limit[..]].concat(), 3);
        assert_eq!(report["verdict"], "undecided", "{limit:?}");
        assert_eq!(report["ended"], limit[0].trim_start_matches("--"), "{limit:?}");
    }
    let says =
        predicate::str::starts_with("UNDECIDED").and(predicate::str::contains("limit of states"));
    syncsplit(&["check", "--states", "1000"]).assert().code(3).stdout(says);
}

#[test]
fn json_is_one_object_with_every_field() {
    let report = json(&["check", "smoke", "--without", "XFER-2", "--without", "sync-5"], 1);
    let fields = [
        "verdict",
        "instance",
        "variant",
        "without",
        "engine",
        "states",
        "transitions",
        "depth",
        "seconds",
        "peak_bytes",
        "properties",
    ];
    for field in fields {
        assert!(report.get(field).is_some(), "no field {field}");
    }
    assert_eq!(report["verdict"], "violated");
    assert_eq!(report["instance"], "smoke");
    assert_eq!(report["variant"], "hardened");
    assert_eq!(report["without"], serde_json::json!(["XFER-2", "SYNC-5"]));
    assert_eq!(report["engine"], "native");
    assert!(report["states"].as_u64().unwrap() > 1);
    let properties = report["properties"].as_array().unwrap();
    for property in properties {
        for field in ["name", "kind", "verdict"] {
            assert!(property[field].is_string(), "{property}");
        }
    }
    let violated = properties.iter().find(|property| property["verdict"] == "violated").unwrap();
    let trace = violated["trace"].as_array().unwrap();
    assert_eq!(trace.len() as u64, violated["steps"].as_u64().unwrap());
    for (at, step) in trace.iter().enumerate() {
        assert_eq!(step["step"], at + 1);
        assert!(step["who"].is_string() && step["what"].is_string(), "{step}");
        assert!(!step["changed"].as_array().unwrap().is_empty(), "{step}");
    }
}

#[test]
fn names_that_do_not_exist_are_refused_with_those_that_do() {
    refused(&["check", "huge"], &["huge", "smoke", "ci", "order"]);
    refused(&["check", "--variant", "optimistic"], &["optimistic", "hardened", "published"]);
    let unknown = format!("SYNC-{}", 99);
    refused(&["check", "--without", &unknown], &[&unknown, "SYNC-5", "WRITE-1", "QUIESCE-1"]);
    refused(&["check", "--without", ""], &["SYNC-5"]);
    refused(&["check", "--property", "liveness"], &["liveness", "backup-is-frozen-image"]);
    refused(&["check", "--engine", "warp"], &["warp", "native", "stateright"]);
    refused(&["check", "--format", "xml"], &["xml", "text", "json"]);
    refused(&["check", "--progress", "loud"], &["loud", "auto", "plain", "none"]);
    let lists = ["instances", "rules", "properties", "promises", "faults", "variants", "actions"];
    refused(&["list", "wishes"], &[&["wishes"], &lists[..]].concat());
}

#[test]
fn malformed_arguments_are_refused_with_an_example() {
    for count in ["0", "257", "-1", "two", "1.5", ""] {
        refused(&["check", &format!("--threads={count}")], &["--threads"]);
    }
    for count in ["0", "-1", "1e6", "many", "99999999999999999999"] {
        refused(&["check", &format!("--states={count}")], &["--states"]);
    }
    for time in ["0s", "5", "-1s", "soon", ""] {
        refused(&["check", &format!("--time={time}")], &["--time", "90s"]);
    }
    for size in ["0", "-1GB", "much", "5XB", ""] {
        refused(&["check", &format!("--memory={size}")], &["--memory", "8GiB"]);
    }
    refused(&["check", "--fast"], &["--fast"]);
    refused(&["check", "smoke", "ci"], &["ci"]);
    refused(&["check", "--states"], &["--states"]);
    refused(&["prove"], &["prove"]);
    refused(&[], &["check", "list"]);
}

#[test]
fn nothing_shows_progress_in_a_pipe() {
    syncsplit(&["check", "smoke"]).assert().code(0).stderr("");
    syncsplit(&["check", "smoke", "--progress", "none"]).assert().code(0).stderr("");
}

#[test]
fn help_is_on_stdout_and_says_what_exit_codes_mean() {
    let codes =
        predicate::str::contains("Exit codes: 0").and(predicate::str::contains("3 not decided"));
    syncsplit(&["--help"]).assert().code(0).stdout(codes).stderr("");
    let names = predicate::str::contains("smoke").and(predicate::str::contains("published"));
    syncsplit(&["check", "--help"]).assert().code(0).stdout(names).stderr("");
}

#[test]
fn one_property_alone_can_be_asked_about() {
    let arguments = ["check", "smoke", "--property", "image-is-prefix"];
    let report = json(&arguments, 0);
    let names: Vec<_> =
        report["properties"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["image-is-prefix"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_long_run_with_a_report() {
    let program = assert_cmd::cargo::cargo_bin("syncsplit");
    let mut command = Process::new(program);
    command.args(["check", "ci", "--format", "json"]);
    let leash = syncsplit_conform::leash::Leash::new().unwrap();
    leash.hold(&mut command);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let begin = Instant::now();
    let kill = Process::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(20), "took {:?}", begin.elapsed());
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "undecided");
    assert_eq!(report["ended"], "interrupt");
    assert!(report["states"].as_u64().unwrap() > 0);
}

#[test]
fn check_and_simulate_take_the_same_world_on_the_command_line() {
    let small = ["small", "--fault", "link-down", "--fault", "timeouts", "--frames", "2"];
    let words = [
        "--stillness=quiesce",
        "--journal-full=suspend",
        "--cache=volatile",
        "--start=smpl",
        "--numbers=ending",
        "--transactions=any",
        "--volumes=2",
    ];
    let world = [&small[..], &words].concat();
    let cut = [&["check"], &world[..], &["--states", "10"]].concat();
    let checked = json(&cut, 3);
    let walk = [&["simulate"], &world[..], &["--runs", "1", "--steps", "5"]].concat();
    let walked = json(&walk, 0);
    for key in ["instance", "bounds"] {
        assert_eq!(checked[key], walked[key], "{key}");
    }
    let name = "small with volumes 2, frames 2, journal full suspend, cache volatile, stillness quiesce, start smpl, \
                transactions any, numbers ending, faults link-down, timeouts";
    assert_eq!(checked["instance"], name);
    let bounds = checked["bounds"].as_str().unwrap();
    assert!(bounds.ends_with("faults link-down, timeouts"), "{bounds}");
    let all = json(&["check", "small", "--fault", "all", "--states", "10"], 3);
    assert_eq!(all["bounds"].as_str().unwrap().rsplit(", ").next(), Some("all faults"));
}

#[test]
fn a_world_by_arguments_is_the_instance_of_those_bounds() {
    let counts = |arguments: &[&str]| {
        let report = json(&[&["check"], arguments].concat(), 0);
        ["states", "transitions", "depth"].map(|key| report[key].as_u64().unwrap())
    };
    let asked = ["small", "--fault", "link-down", "--frames", "2"];
    assert_eq!(counts(&asked), counts(&["small-link-down-two-frames"]));
    let none = ["small-link-down-two-frames", "--fault", "none", "--frames", "1"];
    assert_eq!(counts(&none), counts(&["small"]));
    // An argument that says what the instance says leaves it what it is.
    let same = json(&["check", "small", "--journal", "1", "--fault", "none"], 0);
    assert_eq!((&same["instance"], &same["expected"]["met"]), (&"small".into(), &true.into()));
}

#[test]
fn impossible_bounds_are_refused_by_check_as_by_simulate() {
    for command in ["check", "simulate"] {
        for (arguments, says) in [
            (["--blocks", "1"], "--blocks: found 1; valid is 2 to "),
            (["--volumes", "9"], "--volumes: found 9; valid is 1 to 2"),
            (["--journal", "0"], "--journal: found 0; valid is 1 to "),
            (["--frames", "0"], "--frames: found 0; valid is 1 to 2"),
            (["--host-messages", "0"], "--host-messages: found 0; valid is 1 to 2"),
        ] {
            refused(&[&[command], &arguments[..]].concat(), &[says]);
        }
        refused(&[command, "--fault", "rain"], &["'rain'", "link-down", "takeover", "none"]);
        refused(&[command, "--stillness", "sleep"], &["'sleep'", "freeze", "quiesce"]);
    }
}

#[test]
fn a_check_goes_on_after_a_violation_where_it_is_asked_to() {
    let arguments = ["check", "small-link-down", "--without", "SYNC-2"];
    let steps_of = |report: &Value| -> Vec<(String, u64)> {
        let properties = report["properties"].as_array().unwrap();
        let violated = properties.iter().filter(|property| property["verdict"] == "violated");
        let steps =
            |one: &Value| (one["name"].as_str().unwrap().into(), one["steps"].as_u64().unwrap());
        violated.map(steps).collect()
    };
    let first = json(&arguments, 1);
    assert_eq!(first["ended"], "violation");
    let all = json(&[&arguments[..], &["--continue"]].concat(), 1);
    assert_eq!(all["ended"], "complete");
    assert!(all["states"].as_u64() > first["states"].as_u64());
    let (first, all) = (steps_of(&first), steps_of(&all));
    assert!(all.len() > first.len(), "{first:?} and {all:?}");
    assert!(first.iter().all(|found| all.contains(found)), "{first:?} and {all:?}");
    for property in all {
        let alone = json(&[&arguments[..], &["--property", &property.0]].concat(), 1);
        assert_eq!(steps_of(&alone), [property], "a shortest way is one for each property");
    }
    let whole = json(&["check", "small", "--continue"], 0);
    assert_eq!((&whole["verdict"], &whole["states"]), (&"holds".into(), &173.into()));
}
