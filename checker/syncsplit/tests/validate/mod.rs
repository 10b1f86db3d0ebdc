//! What `syncsplit validate` accepts and refuses, and at which line. The good run is a pair's creation, two transactions, a
//! backup during which a third writes, a failure and a resync; each test doctors it.

mod command;
mod incomplete;
mod local_calls;

use serde_json::Value;
use syncsplit_validate::{
    Ending, Hosts, Limits, Log, Options, Reader, ValidationOutcome, Writes, explain, validate,
};

const GOOD: &str = include_str!("../../../validate/tests/traces/backup_and_resync.ndjson");

fn gated() -> Options {
    Options { writes: Writes::Gated, ..Options::default() }
}

fn hidden(hidden: u32) -> Limits {
    Limits { hidden, ..Limits::default() }
}

/// A change of the good run.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// In the record of this number, this text becomes that.
    Change(usize, &'static str, &'static str),
    /// The record is not there.
    Drop(usize),
    /// The two records change places.
    Swap(usize, usize),
    /// A record comes before the one of this number.
    Insert(usize, &'static str),
}

/// The good run, edited from its end to its start, so that numbers mean the good run's; then numbered anew.
fn doctored(edits: &[Edit]) -> String {
    let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
    for edit in edits.iter().rev() {
        match *edit {
            Edit::Change(n, from, to) => {
                assert!(lines[n].contains(from), "record {n} has no {from}: {}", lines[n]);
                lines[n] = lines[n].replacen(from, to, 1);
            }
            Edit::Drop(n) => drop(lines.remove(n)),
            Edit::Swap(one, other) => lines.swap(one, other),
            Edit::Insert(n, line) => lines.insert(n, line.to_owned()),
        }
    }
    let numbered = lines.iter().enumerate().map(|(n, line)| {
        let rest = line.split_once(',').map_or("", |(_, rest)| rest);
        format!("{{\"n\":{n},{rest}\n")
    });
    numbered.collect()
}

/// Every record of the good run, changed as values.
fn changed(change: impl Fn(&mut serde_json::Map<String, Value>)) -> String {
    let lines = GOOD.lines().map(|line| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        change(value.as_object_mut().unwrap());
        format!("{value}\n")
    });
    lines.collect()
}

fn logs(text: &str) -> Vec<Log> {
    let mut reader = Reader::new(None);
    reader.file("trace", text.as_bytes()).unwrap();
    reader.logs().unwrap()
}

fn judge(text: &str, options: Options, limits: Limits) -> (ValidationOutcome, String) {
    let logs = logs(text);
    let outcome = validate(&logs, options, limits);
    let words = match outcome.ending {
        Ending::Run(_) => "allowed".to_owned(),
        Ending::NoRun => explain(&outcome, &logs, limits).join("; "),
        Ending::Limit(limit) => format!("{limit:?}"),
    };
    (outcome, words)
}

fn assert_words(edits: &[Edit], expected: &[&str]) {
    let (_, words) = judge(&doctored(edits), gated(), Limits::default());
    for expected in expected {
        assert!(words.contains(expected), "{edits:?}\n got: {words}\nwant: {expected}");
    }
}

#[test]
fn the_good_run_is_allowed_one_state_a_record() {
    let (outcome, words) = judge(GOOD, gated(), Limits::default());
    assert_eq!(words, "allowed");
    assert_eq!(outcome.visited, GOOD.lines().count() as u64);
    let Ending::Run(system) = outcome.ending else { panic!("no run") };
    assert_eq!(system.volumes().pvol.digests(), system.volumes().spvol.digests());
}

#[test]
fn a_step_that_the_model_takes_otherwise_is_refused_at_its_line() {
    use Edit::{Change, Drop, Swap};
    let cases: [(Edit, &[&str]); 7] = [
        (
            Change(23, r#""newest":4"#, r#""newest":5"#),
            &[
                "line 24 (primary",
                r#"the model says {"newest":4}, the record says {"newest":5} (WRITE-1"#,
            ],
        ),
        (
            Change(26, r#""refused":null"#, r#""refused":"JournalFull""#),
            &["line 27 ", r#"the record says that it was refused: "JournalFull""#],
        ),
        (
            Change(45, r#",{"SplitDone":1}"#, ""),
            &["line 46 (secondary", r#"[{"Reflect":[0,1]},{"SplitDone":1}]"#, "SPLIT-1"],
        ),
        (Change(47, r#""held":true"#, r#""held":false"#), &["line 48 (database", "FREEZE-3"]),
        (Swap(39, 40), &["line 40 "]),
        (Drop(14), &["line 15 (primary \"PairMark\")", "the journal is full", "RESYNC-3"]),
        (Change(43, r#""DONE""#, r#""BROKEN""#), &["line 44 (sync", "SYNC-3, SYNC-5"]),
    ];
    for (edit, expected) in cases {
        assert_words(&[edit], expected);
    }
}

#[test]
fn what_nobody_sent_is_refused_at_its_line() {
    use Edit::{Change, Drop, Swap};
    let cases: [(Edit, &[&str]); 14] = [
        (Drop(41), &["line 42 ", r#"{"Ack":{"incarnation":1,"written":5}} was not sent"#]),
        (Drop(3), &["line 4 ", r#"{"Ready":{"dirty":[],"incarnation":1,"written":0}} was not"#]),
        (Drop(2), &["line 3 ", r#"{"Resync":{"incarnation":1}} was not sent"#, "RESYNC-1"]),
        (Change(37, "c514cfad", "00000001"), &["line 38 ", "was not sent", "XFER-3"]),
        (Swap(35, 37), &["line 36 (secondary"]),
        (
            Change(34, r#""written":3"#, r#""written":4"#),
            &["line 35 ", r#"its view of the pair: the model says {"written":3}"#],
        ),
        (Drop(30), &["line 31 (database", r#"{"Freeze":1} was not sent"#]),
        (Drop(31), &["line 32 ", r#"{"Frozen":1} was not sent"#]),
        (Swap(43, 44), &["line 44 ", r#"{"Synced":{"done":true}} was not sent"#]),
        (Drop(44), &["line 45 ", r#"{"Split":1} was not sent"#]),
        (Drop(45), &["line 46 ", r#"{"SplitAnswer":{"done":true,"id":1}} was not sent"#]),
        (Drop(48), &["line 54 ", r#"{"Permit":1} was not sent"#, "BACKUP-1"]),
        (Drop(28), &["line 29 ", r#"{"Arm":1} was not sent"#]),
        (Drop(56), &["line 57 ", r#"{"Release":1} was not sent"#]),
    ];
    for (edit, expected) in cases {
        assert_words(&[edit], expected);
    }
}

/// The thaw before the split is the order of figure 2; BACKUP-2 says why it is refused.
#[test]
fn a_thaw_before_the_split_is_refused() {
    let (thaw, split) = (position("\"Thaw\""), position("\"Split\":1}"));
    assert!(split < thaw);
    assert_words(&[Edit::Swap(split, thaw)], &[&format!("line {} ", split + 1)]);
}

/// The place of the first record that has this text in its event.
fn position(text: &str) -> usize {
    let is = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        value["role"] != "coordinator" && value["event"].to_string().contains(text)
    };
    GOOD.lines().position(is).unwrap()
}

/// XFER-4: a frame of the pairing before the resync arrives after it, and is taken.
#[test]
fn a_frame_of_an_older_incarnation_is_refused() {
    let frame = GOOD.lines().find(|line| line.contains(r#""event":{"Frame""#)).unwrap();
    let mut late: Value = serde_json::from_str(frame).unwrap();
    let lines: Vec<&str> = GOOD.lines().collect();
    let at = lines.len() - 1;
    late["n"] = (lines.len()).into();
    late["after"] = Value::Null;
    late.as_object_mut().unwrap().remove("after");
    let text = format!("{GOOD}{late}\n");
    let (_, words) = judge(&text, gated(), Limits::default());
    assert!(words.contains(&format!("line {}", at + 2)), "{words}");
    assert!(words.contains("incarnation 1 is not in force (XFER-4)"), "{words}");
}

#[test]
fn an_invented_message_is_refused() {
    let line = r#"{"n":0,"role":"requester","event":{"Reject":1},"refused":null,"after":{"state":"Idle","newest":1},"effects":[{"Release":1}]}"#;
    assert_words(&[Edit::Insert(29, line)], &[r#"{"Reject":1} was not sent"#]);
    let line = r#"{"n":0,"role":"sync","event":"Timeout","refused":null,"after":{"id":7,"held":null},"effects":["Wait"]}"#;
    assert_words(&[Edit::Insert(29, line)], &["line 30 ", "Sync 7 does not wait", "SYNC-4"]);
}

#[test]
fn a_copy_of_older_contents_is_refused() {
    let edit = Edit::Change(65, "ad3530e7", "1e5048c4");
    assert_words(&[edit], &["line 66 ", "holds ad3530e7 in block 1, the copy carries 1e5048c4"]);
}

#[test]
fn starts_come_first_and_once() {
    assert_words(&[Edit::Drop(1)], &["line 3 ", "the secondary has not started"]);
    let again = GOOD.lines().next().unwrap_or_default();
    assert_words(&[Edit::Insert(9, again)], &["line 10 ", "the primary starts again"]);
    let edit = Edit::Change(1, r#""blocks":2"#, r#""blocks":3"#);
    assert_words(&[edit], &["line 2 ", "has not as many blocks"]);
}

#[test]
fn a_write_outside_a_transaction_is_refused_where_all_writes_are_gated() {
    let edits = [Edit::Drop(22), Edit::Drop(24)];
    assert_words(&edits, &["write-means-open-gate does not hold: the P-VOL is written while no"]);
    let (_, words) = judge(&doctored(&edits), Options::default(), Limits::default());
    assert_eq!(words, "allowed");
}

/// An effect that failed was not performed, and only one that was under way can fail.
#[test]
fn a_failed_effect_is_taken_back() {
    let flush = r#"{"n":0,"role":"fault","of":31,"effect":0,"error":"planned"}"#;
    assert_words(&[Edit::Insert(32, flush)], &[r#"{"Frozen":1} was not sent"#]);
    let arm = r#"{"n":0,"role":"fault","of":28,"effect":0,"error":"planned"}"#;
    assert_words(&[Edit::Insert(30, arm)], &[r#"{"Request":1} was not sent"#]);
    let old = r#"{"n":0,"role":"fault","of":5,"effect":0,"error":"planned"}"#;
    assert_words(&[Edit::Insert(9, old)], &["effect 0 of record 5, which has none under way"]);
}

/// A run that breaks a rule is one of the model without it, and of no other.
#[test]
fn a_run_without_a_rule_is_one_of_the_model_without_it() {
    use syncsplit_model::protocol::{Rule, Rules};
    let lines: Vec<&str> = GOOD.lines().collect();
    let split = position("\"Split\":1}");
    // Nobody armed the secondary.
    let text = doctored(&[Edit::Drop(29)]);
    assert!(lines[split].contains("Split"));
    let scripted = Options { hosts: Hosts::Scripted, ..gated() };
    let text: String = text
        .lines()
        .map(|line| format!("{}\n", line.replace(r#""armed":1"#, r#""armed":null"#)))
        .collect();
    let (_, words) = judge(&text, scripted, Limits::default());
    assert!(words.contains("not armed for backup 1 (SPLIT-2)"), "{words}");
    let rules = Rules::HARDENED.without(Rule::Split2);
    let (_, words) = judge(&text, Options { rules, ..scripted }, Limits::default());
    assert!(!words.contains("SPLIT-2"), "{words}");
}
