//! A check that is ended and gone on with, as a user and a CI job meet it.
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use syncsplit_engine::liveness::{run, run_kept};
use syncsplit_engine::{Ending, Keep, Limit, Options, Progress, SearchOutcome, Verdict};
use syncsplit_study::instance::Instance;
use syncsplit_study::question::Question;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::command;

/// A file that is not there yet.
fn file(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{name}"));
    let _ = fs::remove_file(&file);
    file
}

/// The report without what a run costs, and what stands on stderr.
fn check(arguments: &[&str], exit: i32) -> (Value, String) {
    let arguments = [&["check", "--format", "json"], arguments].concat();
    let assert = command::syncsplit(&arguments).assert();
    let output = assert.get_output();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {stderr}");
    (costless(serde_json::from_slice(&output.stdout).unwrap()), stderr)
}

fn costless(mut report: Value) -> Value {
    for cost in ["seconds", "peak_bytes", "threads"] {
        assert!(report.as_object_mut().unwrap().remove(cost).is_some(), "no {cost}");
    }
    report
}

fn refused(arguments: &[&str], says: &[&str]) {
    command::refused(&[&["check"], arguments].concat(), says);
}

/// Ends a check at each of these counts of states, goes on, and compares the end with a check in one piece.
fn assert_same_in_parts(name: &str, arguments: &[&str], states: &[u32], exit: i32) {
    let file = file(name);
    let path = file.to_str().unwrap();
    let (whole, _) = check(&[arguments, &["--threads", "1"]].concat(), exit);
    for (part, limit) in states.iter().enumerate() {
        let (limit, threads) = (limit.to_string(), (1 + part % 2).to_string());
        let how = if part == 0 { "--checkpoint" } else { "--resume" };
        let more = [how, path, "--states", &limit, "--threads", &threads];
        let (report, stderr) = check(&[arguments, &more].concat(), 3);
        assert_eq!((&report["verdict"], &report["ended"]), (&"undecided".into(), &"states".into()));
        assert!(stderr.contains(&format!("checkpoint in {path}: ")), "{stderr}");
        assert_eq!(part > 0, stderr.contains("resumed from"), "{stderr}");
    }
    let (report, stderr) =
        check(&[arguments, &["--resume", path, "--threads", "2"]].concat(), exit);
    assert!(stderr.contains(&format!("resumed from {path}: ")), "{stderr}");
    assert!(stderr.contains("nothing is written"), "{stderr}");
    assert_eq!(report, whole);
}

#[test]
fn a_check_in_parts_gives_the_report_of_a_check_in_one_piece() {
    let parts = [1, 2_000, 60_000, 60_001, 130_000];
    assert_same_in_parts("holds", &["smoke"], &parts, 0);
    let property = ["smoke", "--property", "image-is-prefix"];
    assert_same_in_parts("one", &property, &parts[2..], 0);
    assert_same_in_parts("asleep", &["smoke", "--reduce", "sleep"], &parts, 0);
    let violated = ["smoke", "--without", "SYNC-5"];
    assert_same_in_parts("violated", &violated, &[1, 900, 40_000, 55_000], 1);
    assert_same_in_parts("early", &["smoke", "--without", "XFER-2"], &[1, 6], 1);
    assert_same_in_parts("expected", &["small-timeouts"], &[3, 200], 0);
    let promise =
        ["small-timeouts", "--without", "BACKUP-3", "--property", "request-leads-to-answer"];
    assert_same_in_parts("promise", &promise, &[7], 1);
}

/// A limit that comes while the promises are judged leaves the whole search to go on with.
#[test]
fn an_interrupt_while_promises_are_judged_keeps_the_search() {
    let space = Question::about(Instance::named("waits").unwrap(), 2).space();
    let file = file("judged");
    let timeless = |outcome| SearchOutcome { seconds: 0.0, peak_bytes: None, ..outcome };
    let whole = run(&space, &Options { threads: 2, ..Options::default() }).unwrap();
    let (stop, seen) = (AtomicBool::new(false), Cell::new(0));
    let progress = |progress: &Progress| {
        seen.set(seen.get() + u32::from(progress.distinct == whole.distinct));
        stop.store(seen.get() > 0, Ordering::Relaxed);
    };
    let interrupt = Some(&stop);
    let options =
        Options { threads: 2, interrupt, progress: Some(&progress), ..Options::default() };
    let keep = Keep { write: Some(&file), ..Keep::default() };
    let kept = run_kept(&space, &options, &keep).unwrap();
    assert_eq!(kept.outcome.ending, Ending::Limit(Limit::Interrupted));
    assert_eq!(kept.outcome.properties, whole.properties, "the search was complete");
    assert!(kept.outcome.promises.iter().all(|promise| promise.verdict == Verdict::Unknown));
    assert_eq!(kept.written.unwrap().unwrap().states, whole.distinct);
    let keep = Keep { resume: Some(&file), ..Keep::default() };
    let kept = run_kept(&space, &Options { threads: 1, ..Options::default() }, &keep).unwrap();
    assert_eq!(kept.resumed.unwrap().states, whole.distinct);
    assert_eq!(timeless(kept.outcome), timeless(whole));
}

#[cfg(unix)]
#[test]
fn sigterm_ends_a_check_with_a_checkpoint_that_can_be_gone_on_with() {
    let file = file("sigterm");
    let path = file.to_str().unwrap();
    for signal in ["TERM", "INT"] {
        let how = if file.exists() { "--resume" } else { "--checkpoint" };
        let mut command = Process::new(cargo_bin("syncsplit"));
        command.args(["check", "ci", "--format", "json", how, path]);
        let leash = syncsplit_conform::leash::Leash::new().unwrap();
        leash.hold(&mut command);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1_000));
        let id = child.id().to_string();
        assert!(Process::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["ended"], "interrupt");
        let says = String::from_utf8_lossy(&output.stderr);
        assert!(says.contains("checkpoint in") && file.exists(), "{says}");
    }
    let limit = ["--states", "900000"];
    let (whole, _) = check(&[&["ci", "--threads", "1"], &limit[..]].concat(), 3);
    let (report, stderr) = check(&[&["ci", "--resume", path], &limit[..]].concat(), 3);
    assert!(stderr.contains("resumed from"), "{stderr}");
    assert_eq!(report, whole, "what is told of finished levels does not depend on the parts");
}

#[test]
fn limits_of_time_and_memory_leave_a_checkpoint_too() {
    let file = file("limits");
    let path = file.to_str().unwrap();
    let (report, _) = check(&["smoke", "--time", "1ms", "--checkpoint", path], 3);
    assert_eq!(report["ended"], "time");
    let json = ["--format", "json", "--resume", path];
    let output = Process::new(cargo_bin("syncsplit"))
        .args(["check", "smoke", "--memory", "16MB", "--threads", "2"])
        .args(json)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["ended"]), (Some(3), &"memory".into()));
    let (states, peak) = (report["states"].as_u64().unwrap(), report["peak_bytes"].as_u64());
    assert!(states > 20_000, "{states} states");
    assert!(peak.is_none_or(|peak| peak <= 16_000_000), "{peak:?} bytes at the peak");
    let note = report["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("limit of memory") && note.contains("at most"), "{note}");
    let (whole, _) = check(&["smoke"], 0);
    assert_eq!(check(&["smoke", "--resume", path], 0).0, whole);
    fs::write(&file, &fs::read(&file).unwrap()[..900]).unwrap();
    refused(&["smoke", "--resume", path], &[path, "truncated", "900 bytes"]);
}

/// What judging promises takes comes on top of the search, and counts as well.
#[test]
fn a_memory_limit_holds_while_promises_are_judged() {
    for limit in [26, 28, 30] {
        let output = Process::new(cargo_bin("syncsplit"))
            .args(["check", "waits", "--threads", "2", "--format", "json"])
            .args(["--memory", &format!("{limit}MB")])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &report["ended"]), (Some(3), &"memory".into()));
        let peak = report["peak_bytes"].as_u64();
        assert!(peak.is_none_or(|peak| peak <= limit * 1_000_000), "{limit} MB: {peak:?} bytes");
    }
}

#[test]
fn a_checkpoint_of_another_check_is_refused_with_what_differs() {
    let file = file("another");
    let path = file.to_str().unwrap();
    check(&["smoke", "--states", "100", "--checkpoint", path], 3);
    let resumed = |arguments: &[&str], says: &[&str]| {
        let says = [&[path, "another check", "smoke, hardened"], says].concat();
        refused(&[arguments, &["--resume", path]].concat(), &says);
    };
    resumed(&["ci"], &["acks is \"1\" there and \"0\" here", "faults", "takeover"]);
    resumed(&["smoke", "--variant", "published"], &["variant", "\"hardened\"", "\"published\""]);
    resumed(&["smoke", "--reduce", "sleep"], &["reductions is \"none\" there and \"sleep\" here"]);
    resumed(&["smoke", "--without", "SYNC-5"], &["without is \"none\" there and \"SYNC-5\" here"]);
    resumed(&["smoke", "--property", "image-is-prefix"], &["properties", "states-defined"]);
    resumed(&["quiesce"], &["stillness", "promises", "volumes"]);
    // The same with checksums that are right, so that only what is said is wrong.
    let bytes = fs::read(&file).unwrap();
    let length = u64::from_le_bytes(bytes[30..38].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[38..38 + length].to_vec()).unwrap();
    let (body, version) = (&bytes[38 + length + 8..bytes.len() - 16], env!("CARGO_PKG_VERSION"));
    let with = |header: &str| {
        let mut bytes = bytes[..30].to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes.extend(body);
        bytes.extend(xxh3_128(&bytes).to_le_bytes());
        fs::write(&file, bytes).unwrap();
    };
    with(&header);
    check(&["smoke", "--resume", path, "--states", "100"], 3);
    with(&header.replacen(&format!("{version:?}"), "\"9.8.7\"", 1));
    resumed(&["smoke"], &[&format!("version is \"9.8.7\" there and {version:?} here")]);
    let model = "\"model\"".len();
    let at = header.find("\"model\"").unwrap() + model;
    let digits = header[at..].find(|c: char| c.is_ascii_hexdigit()).unwrap() + at;
    let mut other = header.clone();
    let digit = if header[digits..].starts_with('0') { "1" } else { "0" };
    other.replace_range(digits..=digits, digit);
    with(&other);
    resumed(&["smoke"], &["model is "]);
}

#[test]
fn what_cannot_be_kept_is_refused_before_the_search() {
    let path = file("before");
    let path = path.to_str().unwrap();
    refused(&["smoke", "--resume", path], &[path, "could not be read", "a run wrote"]);
    assert!(!Path::new(path).exists(), "nothing was made");
    refused(&["smoke", "--resume", path, "--checkpoint", path], &["--resume", "--checkpoint"]);
    refused(
        &["smoke", "--checkpoint", "/nowhere/file"],
        &["/nowhere/file", "could not be written"],
    );
    refused(&["smoke", "--checkpoint", "/dev/null"], &["/dev/null", "plain file"]);
    let stateright = ["smoke", "--engine", "stateright", "--checkpoint", path];
    refused(&stateright, &["stateright", "native", "--checkpoint"]);
    let prints = ["smoke", "--store", "fingerprint", "--checkpoint", path];
    refused(&prints, &["fingerprint", "--store exact", "--checkpoint"]);
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    refused(&["smoke", "--resume", own], &[own, "not a checkpoint"]);
    check(&["smoke", "--checkpoint", path], 0);
    assert!(!Path::new(path).exists(), "a check that ends by itself leaves nothing to go on with");
}

/// A disk that is full: the file may not grow beyond a few blocks, and the signal that tells so is ignored.
#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_takes_nothing_away() {
    let file = file("full");
    let path = file.to_str().unwrap();
    check(&["smoke", "--states", "2000", "--checkpoint", path], 3);
    let before = fs::read(&file).unwrap();
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$@\"";
    let program = cargo_bin("syncsplit");
    let output = Process::new("sh")
        .args(["-c", script, "sh", program.to_str().unwrap(), "check", "smoke"])
        .args(["--states", "100000", "--resume", path, "--format", "json"])
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{says}");
    assert!(says.contains(path) && says.contains("could not be written"), "{says}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "undecided", "the report is there all the same");
    assert_eq!(fs::read(&file).unwrap(), before, "and so is what was kept before");
    assert!(!file.with_file_name("check-full.partial").exists());
}
