//! What the replay refuses, and in which words. The good trace is a pair's creation, two transactions, a backup during
//! which a third writes, a failure and a resync; each test doctors it in one place.

use std::sync::LazyLock;

use syncsplit_impl::trace::{Digest, TraceRecord, read_trace};
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::{BackupId, Incarnation};

use super::{Hosts, Options, Refused, Replayer, Writes};

const GOOD: &str = include_str!("../../traces/backup_and_resync.ndjson");

const GATED: Options =
    Options { writes: Writes::Gated, hosts: Hosts::Traced, newest_backup: BackupId(0) };

static RECORDS: LazyLock<Vec<TraceRecord>> = LazyLock::new(|| parsed(GOOD));

fn parsed(text: &str) -> Vec<TraceRecord> {
    read_trace(text.as_bytes()).unwrap_or_default()
}

/// A change of the good trace.
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

/// The good trace, edited from its end to its start, so that numbers mean the good trace's.
fn doctored(edits: &[Edit]) -> Vec<TraceRecord> {
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
    let records = parsed(&numbered.collect::<String>());
    assert_eq!(records.len(), lines.len(), "every line of {edits:?} is a record");
    records
}

fn words(outcome: Result<Replayer, Refused>) -> String {
    outcome.map_or_else(|refused| refused.to_string(), |_| "allowed".to_owned())
}

fn assert_words(edits: &[Edit], expected: &str) {
    let words = words(Replayer::replay(GATED, doctored(edits)));
    assert!(words.contains(expected), "{edits:?}\n got: {words}\nwant: {expected}");
}

#[test]
fn the_good_trace_is_allowed() {
    assert_eq!(RECORDS.len(), GOOD.lines().count());
    let replayed = Replayer::replay(GATED, RECORDS.clone());
    let equal = replayed.map(|replayer| replayer.volumes().pvol == replayer.volumes().spvol);
    assert!(matches!(equal, Ok(true)), "{equal:?}");
}

/// (a) The model takes the same steps.
#[test]
fn a_step_that_the_model_takes_otherwise_is_refused() {
    use Edit::{Change, Drop, Swap};
    let cases: [(Edit, &str); 7] = [
        (
            Change(23, r#""newest":4"#, r#""newest":5"#),
            r#"record 23 (primary {"HostWrite":{"block":0,"payload":"c514cfad"}}): its state after it: the model says {"newest":4}, the trace says {"newest":5}"#,
        ),
        (
            Change(26, r#""refused":null"#, r#""refused":"JournalFull""#),
            r#"its refusal: the model says null, the trace says "JournalFull""#,
        ),
        (
            Change(45, r#",{"SplitDone":1}"#, ""),
            r#"record 45 (secondary {"Split":1}): its effects: the model says [{"Reflect":[0,1]},{"SplitDone":1}], the trace says [{"Reflect":[0,1]}]"#,
        ),
        (Change(47, r#""held":true"#, r#""held":false"#), "record 47 (database"),
        (Swap(39, 40), r#"the model says {"queue":[5],"written":4}"#),
        (Drop(14), r#"record 14 (primary "PairMark"): its refusal: the model says "JournalFull""#),
        (Change(43, r#""DONE""#, r#""BROKEN""#), r#"the model says [{"Return":"DONE"}]"#),
    ];
    for (edit, expected) in cases {
        assert_words(&[edit], expected);
    }
}

#[test]
fn a_missing_record_is_refused() {
    let mut records = RECORDS.clone();
    records.remove(7);
    let words = words(Replayer::replay(GATED, records));
    assert!(words.contains("record 8 (primary"), "{words}");
    assert!(words.contains("the record before was number 6; a record is missing"), "{words}");
}

/// (b) What is received was sent before.
#[test]
fn what_nobody_sent_is_refused() {
    use Edit::{Change, Drop, Swap};
    let cases: [(Edit, &str); 15] = [
        (
            Drop(41),
            r#"(primary {"Ack":{"incarnation":1,"written":5}}): {"Ack":{"incarnation":1,"written":5}} was not sent"#,
        ),
        (Drop(3), r#"{"Ready":{"dirty":[],"incarnation":1,"written":0}} was not sent"#),
        (
            Drop(2),
            r#"(secondary {"Resync":{"incarnation":1}}): {"Resync":{"incarnation":1}} was not sent"#,
        ),
        (
            Change(37, "c514cfad", "00000001"),
            r#""payload":"00000001"}},"seq":4},"incarnation":1}} was not sent"#,
        ),
        (Swap(35, 37), r#"record 35 (secondary {"Frame""#),
        (
            Change(34, r#""written":3"#, r#""written":4"#),
            r#"its view of the pair: the model says {"written":3}, the trace says {"written":4}"#,
        ),
        (Drop(30), r#"(database {"Freeze":1}): {"Freeze":1} was not sent"#),
        (Drop(31), r#"(coordinator {"Frozen":1}): {"AnswerFrozen":1} was not sent"#),
        (
            Swap(43, 44),
            r#"(coordinator {"Synced":{"done":true}}): {"Synced":{"done":true}} was not sent"#,
        ),
        (Drop(44), r#"(secondary {"Split":1}): {"Split":1} was not sent"#),
        (Drop(45), r#"{"SplitAnswer":{"done":true,"id":1}} was not sent"#),
        (Drop(47), r#"{"AnswerThawed":{"held":true,"id":1}} was not sent"#),
        (Drop(48), r#"(requester {"Permit":1}): {"Permit":1} was not sent"#),
        (Drop(28), r#"(secondary {"Arm":1}): {"Arm":1} was not sent"#),
        (Drop(56), r#"(secondary {"Release":1}): {"Release":1} was not sent"#),
    ];
    for (edit, expected) in cases {
        assert_words(&[edit], expected);
    }
}

#[test]
fn an_invented_message_is_refused() {
    let line = r#"{"n":0,"role":"requester","event":{"Reject":1},"refused":null,"after":{"state":"Idle","newest":1},"effects":[{"Release":1}]}"#;
    assert_words(&[Edit::Insert(29, line)], r#"{"Reject":1} was not sent"#);
    let line = r#"{"n":0,"role":"sync","event":"Timeout","refused":null,"after":{"id":7,"held":null},"effects":["Wait"]}"#;
    assert_words(&[Edit::Insert(29, line)], "the begin of Sync 7");
}

/// (c) A copy carries what the P-VOL holds.
#[test]
fn a_copy_of_older_contents_is_refused() {
    assert_words(
        &[Edit::Change(65, "ad3530e7", "1e5048c4")],
        "the P-VOL holds ad3530e7 in block 1 at this place, the copy carries 1e5048c4 (RESYNC-2)",
    );
}

#[test]
fn starts_come_first_and_once() {
    assert_words(&[Edit::Drop(1)], "the secondary has not started");
    let again = GOOD.lines().next().unwrap_or_default();
    assert_words(&[Edit::Insert(9, again)], "the primary starts again");
    assert_words(&[Edit::Change(1, r#""blocks":2"#, r#""blocks":3"#)], "has not as many blocks");
}

/// (d) A write that passes the gate by.
#[test]
fn a_write_outside_a_transaction_is_refused_where_all_writes_are_gated() {
    let edits = [Edit::Drop(22), Edit::Drop(24)];
    assert_words(&edits, "frozen-means-still does not hold: the P-VOL is written while no");
    let free = Options { writes: Writes::Free, ..GATED };
    assert_eq!(words(Replayer::replay(free, doctored(&edits))), "allowed");
}

/// (d) Steps that the model allows keep its properties, so no trace alone can break them here: each test changes what
/// the replay has seen so far, as an error in the model or in the replay would.
#[test]
fn a_property_that_does_not_hold_is_refused() {
    type Tamper = fn(&mut Replayer);
    let cases: [(usize, Tamper, &str); 9] = [
        (
            39,
            |seen| seen.volumes.spvol[1] = Some(Digest(7)),
            "image-is-prefix does not hold: block 1",
        ),
        (60, |seen| seen.volumes.pvol[0] = Some(Digest(7)), "allowed"),
        (
            50,
            |seen| seen.volumes.pvol[1] = Some(Digest(7)),
            "difference-is-covered does not hold: block 1",
        ),
        (
            50,
            |seen| seen.database.freeze = FreezeState::Frozen(BackupId(1)),
            "frozen-means-still does not hold: backup 1",
        ),
        (
            54,
            |seen| drop(seen.frozen.insert(BackupId(1), vec![Some(Digest(7)); 2])),
            "backup-is-frozen-image does not hold: backup 1",
        ),
        (54, |seen| seen.frozen.clear(), "no freeze for it is in the trace"),
        (55, |seen| seen.volumes.svol[1] = Some(Digest(7)), "svol-still-while-read does not hold"),
        (64, |seen| seen.svol_good = false, "one-image-always does not hold: the S/P-VOL is no"),
        (
            40,
            |seen| seen.volumes.forget_before(Incarnation(9)),
            "entry 5 is written, but the primary numbered no such entry",
        ),
    ];
    for (n, tamper, expected) in cases {
        let mut seen = Replayer::new(GATED);
        let (before, after) = RECORDS.split_at(n);
        for record in before {
            assert!(seen.take(record.clone()).is_ok());
        }
        tamper(&mut seen);
        let refused = after[..1].iter().find_map(|record| seen.take(record.clone()).err());
        let words = refused.map_or_else(|| "allowed".to_owned(), |refused| refused.to_string());
        assert!(words.contains(expected), "at {n}\n got: {words}\nwant: {expected}");
    }
}

/// (d) SYNC-3: a Sync that the numbers let complete, while a write it held is missing.
#[test]
fn a_sync_that_is_done_too_early_is_refused() {
    let mut seen = Replayer::new(GATED);
    for record in &RECORDS[..43] {
        assert!(seen.take(record.clone()).is_ok());
    }
    for block in 0..2 {
        seen.volumes.spvol[block] = Some(Digest(7));
        seen.volumes.oracle[block] = Some(Digest(7));
        seen.volumes.pvol[block] = Some(Digest(7));
    }
    let words = seen.take(RECORDS[43].clone()).err().map(|refused| refused.to_string());
    let expected = "sync-means-written does not hold: block 0";
    assert!(words.as_ref().is_some_and(|words| words.contains(expected)), "{words:?}");
}

/// An effect that failed was not performed, and only one that was under way can fail.
#[test]
fn a_failed_effect_is_taken_back() {
    let flush = r#"{"n":0,"role":"fault","of":31,"effect":0,"error":"planned"}"#;
    assert_words(&[Edit::Insert(32, flush)], r#"{"AnswerFrozen":1} was not sent"#);
    let arm = r#"{"n":0,"role":"fault","of":28,"effect":0,"error":"planned"}"#;
    assert_words(&[Edit::Insert(30, arm)], r#"{"Request":1} was not sent"#);
    let write = r#"{"n":0,"role":"fault","of":23,"effect":0,"error":"planned"}"#;
    let mut undefined = Replayer::new(GATED);
    let records = doctored(&[Edit::Insert(24, write)]);
    assert!(records[..25].iter().all(|record| undefined.take(record.clone()).is_ok()));
    assert_eq!(undefined.volumes().pvol[0], None);
    let old = r#"{"n":0,"role":"fault","of":5,"effect":0,"error":"planned"}"#;
    assert_words(&[Edit::Insert(9, old)], "failed effect 0 of record 5, which has none under way");
}
