//! The command as a user meets it: exit codes, what is printed, bad input, and a foreign log with its mapping.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{Edit, GOOD, doctored};
use crate::command::syncsplit;

/// A file of this test run.
fn file(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("validate");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Exit code, stdout and stderr.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = syncsplit(&[&["validate"], arguments].concat()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn exit_codes_tell_run_no_run_bad_input_and_undecided() {
    let good = file("good.ndjson", GOOD);
    let edit = Edit::Change(23, r#""newest":4"#, r#""newest":5"#);
    let bad = file("bad.ndjson", &doctored(&[edit]));
    let (code, out, _) = run(&[path(&good), "--writes", "gated"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("A RUN OF THE MODEL"), "{out}");
    let (code, out, _) = run(&[path(&bad)]);
    assert_eq!(code, 1);
    for says in ["NO RUN OF THE MODEL", "23 record(s) could be followed", "bad.ndjson:24: primary"]
    {
        assert!(out.contains(says), "no {says:?} in\n{out}");
    }
    assert!(
        out.contains("PairMark     the model refuses it: not possible in PAIR (RESYNC-3)"),
        "{out}"
    );
    assert_eq!(run(&[path(&good), "--states", "5"]).0, 3);
    assert_eq!(run(&["nowhere.ndjson"]).0, 2);
}

#[test]
fn json_is_one_object_with_states_candidates_and_rules() {
    let edit = Edit::Change(23, r#""newest":4"#, r#""newest":5"#);
    let bad = file("bad-json.ndjson", &doctored(&[edit]));
    let (code, out, _) = run(&[path(&bad), "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["verdict"]), (1, &"violated".into()));
    assert_eq!((&report["records"], &report["followed"]), (&81.into(), &23.into()));
    let state = &report["deepest"][0];
    assert_eq!(state["state"]["primary"]["newest"], 3);
    assert_eq!(state["candidates"][0]["line"], 24);
    assert_eq!(state["candidates"][0]["rules"][0], "WRITE-1");
    let offered = state["offered"].as_array().unwrap();
    let mark = offered.iter().find(|offer| offer["event"] == "PairMark").unwrap();
    assert_eq!((&mark["possible"], &mark["rules"][0]), (&false.into(), &"RESYNC-3".into()));
}

/// What was read into the records is told: steps that no record shows, and records that were read as refused, in a run and
/// in a place that no run goes beyond.
#[test]
fn what_was_assumed_is_listed() {
    let silent = r#"{"n":0,"role":"database","event":"Commit"}"#;
    let ends = r#"{"n":0,"role":"primary","event":"PairMark","refused":null}"#;
    let text = doctored(&[Edit::Drop(14), Edit::Insert(30, silent)]);
    let begun: String = text.lines().take(30).map(|line| format!("{line}\n")).collect();
    let wrong = format!("{begun}{}\n", ends.replace(r#""n":0"#, r#""n":30"#));
    for (name, text, is_run) in
        [("assumed.ndjson", text, true), ("assumed-wrong.ndjson", wrong, false)]
    {
        let path = file(name, &text);
        let arguments = [path.to_str().unwrap(), "--hidden", "1"];
        let (code, out, _) = run(&arguments);
        assert_eq!(code, i32::from(!is_run), "{out}");
        for says in [
            &format!(r#"before {}:15: primary {{"Ack":"#, path.display()),
            "Records that do not say so, and that were read as refused:",
            &format!("{}:30: database \"Commit\": no transaction is open", path.display()),
        ] {
            assert!(out.contains(says), "no {says:?} in\n{out}");
        }
        let (_, out, _) = run(&[&arguments[..], &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&out).unwrap();
        let assumed = if is_run { &report } else { &report["deepest"][0] };
        let (hidden, refused) = (&assumed["hidden_steps"][0], &assumed["read_as_refused"][0]);
        assert_eq!((&hidden["line"], &refused["line"]), (&15.into(), &30.into()), "{out}");
        assert!(hidden["step"].as_str().unwrap().contains("Ack"), "{out}");
        assert_eq!(refused["reason"], "no transaction is open", "{out}");
    }
}

#[test]
fn a_line_that_is_no_record_names_itself_and_what_would_be_valid() {
    let start = GOOD.lines().next().unwrap();
    let cases = [
        ("nonsense", "no JSON", "one record a line"),
        ("", "the line is empty", "one record in JSON"),
        ("[1]", "found [1]", "an object with a field \"role\""),
        ("{\"n\":1}", "no role", "primary, secondary, sync"),
        (r#"{"n":-1,"role":"primary"}"#, "n = -1", "a whole number"),
        (r#"{"role":"primry"}"#, "role = \"primry\"", "coordinator, requester, fault"),
        (r#"{"role":"primary","evnt":"Create"}"#, "no field \"evnt\"", "valid are n, node, role"),
        (r#"{"role":"primary","event":"Creat"}"#, "unknown variant `Creat`", "HostWrite, Send"),
        (
            r#"{"role":"primary","event":{"HostWrite":{"blok":1}}}"#,
            "no field \"blok\"",
            "block, payload",
        ),
        (
            r#"{"role":"primary","event":{"HostWrite":{"payload":"XYZ"}}}"#,
            "payload \"XYZ\"",
            "eight lower-case hex digits",
        ),
        (r#"{"role":"primary","after":{"state":"PAR"}}"#, "unknown variant `PAR`", "SMPL"),
        (r#"{"role":"primary","after":{"sate":"PAIR"}}"#, "no field \"sate\"", "quiesced"),
        (
            r#"{"role":"primary","effects":["AnswerHst"]}"#,
            "unknown variant `AnswerHst`",
            "`WritePvol`, `AnswerHost`",
        ),
        (r#"{"role":"secondary","refused":"Never"}"#, "unknown variant `Never`", "NotArmed"),
        (r#"{"role":"start","side":"primary","blocks":0}"#, "blocks = 0", "1 to"),
        (
            r#"{"role":"start","side":"primary","blocks":1,"block_size":0}"#,
            "block_size = 0",
            "1 to",
        ),
        (r#"{"role":"start","side":"left","blocks":1}"#, "unknown variant `left`", "primary"),
        (r#"{"role":"fault","of":1}"#, "missing field `effect`", "fault"),
    ];
    for (line, says, valid) in cases {
        let bad = file("line.ndjson", &format!("{start}\n{line}\n"));
        let (code, out, error) = run(&[path(&bad)]);
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {error}");
        for says in ["line.ndjson:2: ", says, valid] {
            assert!(error.contains(says), "{line}: no {says:?} in {error}");
        }
    }
    let (code, _, error) = run(&[path(&file("empty.ndjson", ""))]);
    assert!(code == 2 && error.contains("no record"), "{error}");
}

const THEIRS: &str = r#"{"op":"mkpair","who":"tokyo","i":1}
{"op":"pairing","who":"osaka","i":1,"gen":"1"}
{"op":"paired","who":"tokyo","i":2,"gen":"1","applied":"0"}
{"op":"heartbeat","who":"tokyo","i":3}
{"op":"copied","who":"tokyo","i":4,"lba":0}
{"op":"copied","who":"tokyo","i":5,"lba":1}
{"op":"copies-end","who":"tokyo","i":6}
{"op":"tx","who":"tokyo","i":7,"no":1}
{"op":"tx","who":"tokyo","i":8,"no":2}
{"op":"tx","who":"tokyo","i":9,"no":3}
{"op":"rx","who":"osaka","i":2,"no":2}
{"op":"rx","who":"osaka","i":3,"no":1}
{"op":"rx","who":"osaka","i":4,"no":3}
{"op":"apply","who":"osaka","i":5,"applied":1,"mode":"RESYNCING"}
{"op":"apply","who":"osaka","i":6,"applied":2,"mode":"RESYNCING"}
{"op":"apply","who":"osaka","i":7,"applied":3,"mode":"SYNCED"}
{"op":"tell","who":"osaka","i":8}
{"op":"told","who":"tokyo","i":10,"applied":3}
{"op":"write","who":"tokyo","i":11,"lba":1,"sum":"sha-of-new"}
{"op":"tx","who":"tokyo","i":12,"no":4}
{"op":"rx","who":"osaka","i":9,"no":4,"sum":"sha-of-new"}
{"op":"apply","who":"osaka","i":10,"applied":4,"mode":"SYNCED"}
"#;

/// The one that `docs/trace-format.md` shows.
fn mapping() -> String {
    let page = include_str!("../../../../docs/trace-format.md");
    let from = page.find("```toml\n").unwrap() + "```toml\n".len();
    let to = page[from..].find("```").unwrap();
    page[from..from + to].to_owned()
}

#[test]
fn a_foreign_log_is_mapped_and_followed() {
    let map = file("theirs.toml", &mapping());
    let theirs = file("theirs.log", THEIRS);
    let ask = |log: &PathBuf| run(&[path(log), "--mapping", path(&map), "--hosts", "scripted"]);
    let (code, out, error) = ask(&theirs);
    assert_eq!(code, 0, "{out}{error}");
    assert!(out.contains("of 2 node(s)"), "{out}");
    // What was applied out of order is refused at its line.
    let wrong = THEIRS.replacen(r#""applied":1,"mode""#, r#""applied":2,"mode""#, 1);
    let (code, out, _) = ask(&file("theirs-wrong.log", &wrong));
    assert_eq!(code, 1);
    assert!(out.contains("theirs-wrong.log:14: remote secondary \"Apply\""), "{out}");
    assert!(out.contains("XFER-3"), "{out}");
    // Contents that arrive otherwise than they were written are, too.
    let at = THEIRS.rfind("sha-of-new").unwrap();
    let wrong = format!("{}{}", &THEIRS[..at], THEIRS[at..].replacen("new", "old", 1));
    let (code, out, _) = ask(&file("theirs-sum.log", &wrong));
    assert_eq!(code, 1);
    assert!(out.contains("theirs-sum.log:21: remote secondary"), "{out}");
}

#[test]
fn a_mapping_that_says_what_nobody_knows_is_refused() {
    let theirs = file("mapped.log", THEIRS);
    let good = mapping();
    let cases = [
        ("evnt = 1\n".to_owned() + &good, "unknown field `evnt`"),
        (
            good.replace("primary HostWrite", "primary HostWrit"),
            "an event of the primary is one of",
        ),
        (good.replace("primary HostWrite", "prime HostWrite"), "the role is one of primary"),
        (good.replace("block = \"lba\"", "blok = \"lba\""), "no field \"blok\""),
        (good.replace("\"after.written\"", "\"after.writen\""), "no field \"after.writen\""),
        (good.replace("blocks = 2", "blocks = 0"), "group.blocks = 0; valid is 1 to"),
        (good.replace("unmapped = \"ignore\"", "unmapped = \"skip\""), "`refuse` or `ignore`"),
        (
            good.replace("unmapped = \"ignore\"", "unmapped = \"refuse\""),
            "event \"heartbeat\" is not in the mapping",
        ),
    ];
    for (text, says) in cases {
        assert_ne!(text, good, "{says}: the mapping has not changed");
        let map = file("wrong.toml", &text);
        let (code, _, error) =
            run(&[path(&theirs), "--mapping", path(&map), "--hosts", "scripted"]);
        assert_eq!(code, 2, "{says}: {error}");
        assert!(error.contains(says), "no {says:?} in {error}");
    }
}
