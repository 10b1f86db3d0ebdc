//! Local calls (SPEC.md, section 10): each kind of them is refused out of order, twice, and without having been made; the
//! refusal names the call that has not been taken yet.

use syncsplit_model::protocol::BackupId;
use syncsplit_model::system::Notice;
use syncsplit_validate::{Limits, Options};

use super::judge;

const ONE: BackupId = BackupId(1);

/// One of each kind.
const KINDS: [Notice; 10] = [
    Notice::Freeze(ONE),
    Notice::BeginSync(ONE),
    Notice::Thaw(ONE),
    Notice::Frozen(ONE),
    Notice::Quiesced(ONE),
    Notice::Thawed(ONE, true),
    Notice::Synced(false),
    Notice::Arm(ONE),
    Notice::Read(ONE),
    Notice::Release(ONE),
];

/// What holds still for a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Still {
    Database,
    Primary,
}

const BOTH: [Still; 2] = [Still::Database, Still::Primary];

/// A record by a short name: the role, and the whole event. Whether it was refused is left out.
fn record(name: &str, still: Still) -> String {
    let is_database = still == Still::Database;
    let (role, event) = match name.split_once(' ').unwrap_or((name, "1")) {
        ("start", side) => {
            return format!(r#"{{"role":"start","side":"{side}","blocks":2,"block_size":8}}"#);
        }
        ("begin-sync", _) => {
            let event =
                r#"{"Begin":{"state":"SMPL","newest":{"incarnation":0,"seq":0},"written":0}}"#;
            return format!(r#"{{"role":"sync","event":{event},"after":{{"id":1,"held":null}}}}"#);
        }
        ("begins", _) => ("requester", r#""Start""#.to_owned()),
        ("gives-up", _) => ("requester", r#""Timeout""#.to_owned()),
        ("rejected", id) => ("requester", format!(r#"{{"Reject":{id}}}"#)),
        ("arm", id) => ("secondary", format!(r#"{{"Arm":{id}}}"#)),
        ("release", id) => ("secondary", format!(r#"{{"Release":{id}}}"#)),
        ("request", id) => ("coordinator", format!(r#"{{"Request":{id}}}"#)),
        ("waited", _) => ("coordinator", r#""Timeout""#.to_owned()),
        ("crash", _) => ("coordinator", r#""Restart""#.to_owned()),
        ("frozen", id) => ("coordinator", format!(r#"{{"Frozen":{id}}}"#)),
        ("synced", _) => ("coordinator", r#"{"Synced":{"done":false}}"#.to_owned()),
        ("thawed", id) => ("coordinator", format!(r#"{{"Thawed":{{"id":{id},"held":true}}}}"#)),
        ("freeze", id) if is_database => ("database", format!(r#"{{"Freeze":{id}}}"#)),
        ("freeze", id) => ("primary", format!(r#"{{"Quiesce":{id}}}"#)),
        ("thaw", id) if is_database => ("database", format!(r#"{{"Thaw":{id}}}"#)),
        ("thaw", id) => ("primary", format!(r#"{{"Unquiesce":{id}}}"#)),
        (other, _) => panic!("no record is called {other:?}"),
    };
    format!(r#"{{"role":"{role}","event":{event}}}"#)
}

/// What is said of a run of these records, after both sides' starts.
fn said(names: &[&str], still: Still) -> String {
    let starts = ["start primary", "start secondary"];
    let all = starts.iter().chain(names).map(|name| record(name, still) + "\n");
    judge(&all.collect::<String>(), Options::default(), Limits::default()).1
}

/// A backup that is rejected, since no pair exists: every call that has a taker is made and taken.
const BACKUP: [&str; 11] = [
    "begins",
    "arm",
    "request",
    "freeze",
    "frozen",
    "begin-sync",
    "synced",
    "thaw",
    "thawed",
    "rejected",
    "release",
];

/// The record that takes the call; nothing if no step takes it.
fn taker(kind: Notice) -> Option<&'static str> {
    match kind {
        Notice::Freeze(_) => Some("freeze"),
        Notice::BeginSync(_) => Some("begin-sync"),
        Notice::Thaw(_) => Some("thaw"),
        Notice::Frozen(_) | Notice::Quiesced(_) => Some("frozen"),
        Notice::Thawed(..) => Some("thawed"),
        Notice::Synced(_) => Some("synced"),
        Notice::Arm(_) => Some("arm"),
        Notice::Release(_) => Some("release"),
        // The S-VOL is read by no role.
        Notice::Read(_) => None,
    }
}

#[test]
fn each_call_taken_once_and_in_order_is_allowed() {
    for still in BOTH {
        assert_eq!(said(&BACKUP, still), "allowed", "{still:?}");
    }
}

#[test]
fn no_call_is_taken_twice() {
    for (kind, still) in KINDS.iter().flat_map(|kind| BOTH.map(|still| (*kind, still))) {
        let Some(taker) = taker(kind) else { continue };
        let at = BACKUP.iter().position(|name| *name == taker).unwrap();
        for later in at..BACKUP.len() {
            let twice = [&BACKUP[..=later], &[taker], &BACKUP[later + 1..]].concat();
            let words = said(&twice, still);
            match kind {
                // Anybody may begin a Sync of their own at any time (SPEC.md, section 5.5); here under one number.
                Notice::BeginSync(_) => assert_eq!(words, "allowed", "{twice:?}"),
                Notice::Freeze(_)
                | Notice::Thaw(_)
                | Notice::Frozen(_)
                | Notice::Quiesced(_)
                | Notice::Thawed(..)
                | Notice::Synced(_)
                | Notice::Arm(_)
                | Notice::Release(_)
                | Notice::Read(_) => {
                    let place = format!("line {} ", later + 4);
                    let is_named = words.contains(&place) && words.contains("was taken before");
                    assert!(is_named, "{kind:?}, {still:?}, {twice:?}: {words}");
                }
            }
        }
    }
}

/// A call that nobody made: one for another backup, or, of a Sync's return, one before any Sync was begun.
#[test]
fn no_call_is_taken_that_nobody_made() {
    for (kind, still) in KINDS.iter().flat_map(|kind| BOTH.map(|still| (*kind, still))) {
        let Some(taker) = taker(kind).filter(|name| *name != "begin-sync") else { continue };
        for at in 0..BACKUP.len() {
            if taker == "synced" && at > 5 {
                break;
            }
            let unmade = format!("{taker} 7");
            let names = [&BACKUP[..at], &[unmade.as_str()], &BACKUP[at..]].concat();
            let words = said(&names, still);
            let is_named =
                words.contains(&format!("line {} ", at + 3)) && words.contains("was not sent");
            assert!(is_named, "{kind:?}, {still:?}, {names:?}: {words}");
        }
    }
}

/// Two calls of one queue, told one after the other, and taken the other way round: the records up to then, the second's
/// taker, the first's, and the line and the words of the refusal.
type Crossing<'a> = (&'a [&'a str], &'a str, &'a str, usize, &'a str);

#[test]
fn no_call_is_taken_before_one_that_was_made_earlier() {
    let cases: [Crossing<'_>; 6] = [
        (
            &["begins", "arm", "request", "waited"],
            "thaw",
            "freeze",
            7,
            "the coordinator's Freeze(1) came before it and has not been taken yet",
        ),
        (
            &["begins", "arm", "request", "freeze", "waited", "gives-up", "begins", "request 2"],
            "freeze 2",
            "thaw",
            11,
            "the coordinator's Thaw(1) came before it and has not been taken yet",
        ),
        (
            &["begins", "gives-up"],
            "release",
            "arm",
            5,
            "the requester's Arm(1) came before it and has not been taken yet",
        ),
        (
            &["begins", "arm", "gives-up", "begins"],
            "arm 2",
            "release",
            7,
            "the requester's Release(1) came before it and has not been taken yet",
        ),
        // A coordinator that waits for neither may have dropped the first, and then does not take it later.
        (
            &["begins", "arm", "request", "freeze", "waited", "thaw"],
            "thawed",
            "frozen",
            10,
            r#"{"Frozen":1} was taken before"#,
        ),
        (
            &[
                "begins",
                "arm",
                "request",
                "freeze",
                "waited",
                "thaw",
                "gives-up",
                "begins",
                "request 2",
                "freeze 2",
            ],
            "frozen 2",
            "thawed",
            14,
            r#"{"Thawed":{"held":true,"id":1}} was taken before"#,
        ),
    ];
    for (before, second, first, line, expected) in cases {
        for still in BOTH {
            let right = [before, &[first, second]].concat();
            assert_eq!(said(&right, still), "allowed", "{right:?}");
            let wrong = [before, &[second, first]].concat();
            let words = said(&wrong, still);
            let is_named = words.contains(&format!("line {line} ")) && words.contains(expected);
            assert!(is_named, "{still:?}, {wrong:?}\n got: {words}\nwant: {expected}");
        }
    }
    // A Sync's return is told when the Sync has returned.
    for still in BOTH {
        let early = [&BACKUP[..5], &["synced", "begin-sync"]].concat();
        assert!(said(&early, still).contains("line 8 "), "{}", said(&early, still));
    }
}

/// A crash loses what was under way to the role and from it, and nothing else.
#[test]
fn a_crash_may_lose_calls_and_needs_not() {
    let before = ["begins", "arm", "request", "crash", "gives-up", "begins", "request 2"];
    for still in BOTH {
        let lost = [&before[..], &["freeze 2"]].concat();
        assert_eq!(said(&lost, still), "allowed");
        let kept = [&before[..], &["freeze", "freeze 2"]].concat();
        assert_eq!(said(&kept, still), "allowed");
        let late = [&before[..], &["freeze 2", "freeze"]].concat();
        assert!(said(&late, still).contains("was taken before"), "{}", said(&late, still));
        let others = [&before[..], &["release", "arm 2"]].concat();
        assert_eq!(said(&others, still), "allowed");
        let others = [&before[..], &["arm 2"]].concat();
        assert!(said(&others, still).contains("Release(1) came before it"));
    }
}
