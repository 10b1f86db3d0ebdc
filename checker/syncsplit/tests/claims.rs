//! What the kit claims of an implementation: no more than its cases have shown, and what was asked of it by name.
use std::collections::BTreeSet;

use syncsplit_conform::generated::generate;
use syncsplit_conform::script::{BLOCKS, Script};
use syncsplit_conform::verb::Verb;
use syncsplit_conform::wire::{FEATURES, Hello, Level, OPERATIONS};
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::ActionKind;

use crate::conform::{code, conform, json, peculiar};

/// The first line of a report for a person.
fn headline(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_campaign_that_shows_no_rule_shows_nothing() {
    let rules: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    let lacks_all = format!("LacksAll {}", rules.join(","));
    let done_with_nothing = [
        // The one case needs what the adapter does not have.
        conform("minimal.py", &["--only", "QUIESCE-1"]),
        // No rule is promised, so that no answer breaks one.
        peculiar(&lacks_all, &["--only", "XFER-3", "--only", "WRITE-1"]),
        peculiar(&lacks_all, &["--script", "begin pair journal 2"]),
    ];
    for output in done_with_nothing {
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(code(&output), 3, "{text}");
        assert!(text.starts_with("NOTHING SHOWN: "), "{text}");
    }
    let only = ["--only", "QUIESCE-1", "--format"];
    let report = json(&conform("minimal.py", &[&only[..], &["json"]].concat()));
    assert_eq!((&report["verdict"], &report["rules_kept"]), (&"nothing shown".into(), &0.into()));
    let junit = conform("minimal.py", &[&only[..], &["junit"]].concat());
    let xml = String::from_utf8_lossy(&junit.stdout).into_owned();
    assert!(xml.contains("errors=\"1\"") && xml.contains("nothing shown"), "{xml}");
    // What fails is shown, whatever is kept.
    assert_eq!(code(&conform("defective.py sync-out-of-pair", &["--only", "SYNC-1"])), 1);
}

#[test]
fn the_headline_says_on_how_many_rules_it_conforms() {
    let only = ["--only", "directed/XFER-3", "--only", "directed/SYNC-1"];
    let report = json(&conform("minimal.py", &[&only[..], &["--format", "json"]].concat()));
    let kept = report["rules_kept"].as_u64().unwrap();
    let rules = report["rules"].as_array().unwrap();
    assert_eq!(kept, rules.iter().filter(|row| row["verdict"] == "pass").count() as u64);
    let all = rules.len();
    assert!((1..all as u64).contains(&kept), "{kept}");
    let headline_of = |more: &[&str]| headline(&conform("minimal.py", more));
    let says = headline_of(&only);
    assert!(says.starts_with(&format!("CONFORMS on {kept} of {all} rules: ")), "{says}");
    let says = headline_of(&["--script", "begin pair journal 2"]);
    let expected = format!("CONFORMS in this script, which shows 0 of {all} rules: ");
    assert!(says.starts_with(&expected), "{says}");
}

#[test]
fn what_has_to_be_shown_and_is_not_is_named() {
    let only = ["--only", "directed/SYNC-1"];
    let with = |more: &[&str]| conform("minimal.py", &[&only[..], more].concat());
    assert_eq!(code(&with(&["--require", "SYNC-1", "--min-coverage", "1"])), 0);
    for (more, says) in [
        (["--require", "SYNC-1,XFER-3"], "required: XFER-3, which is not reached"),
        (["--min-coverage", "99"], "classes of steps, where 99 % were demanded"),
    ] {
        let output = with(&more);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(code(&output), 3, "{text}");
        assert!(text.starts_with("NOT ENOUGH SHOWN, conforms on "), "{text}");
        assert!(text.contains(says) && !text.contains("required: SYNC-1"), "{text}");
        let report = json(&with(&[&more[..], &["--format", "json"]].concat()));
        assert_eq!(report["verdict"], "not enough shown");
        assert!(report["unmet"][0].as_str().unwrap().contains(says), "{report:#}");
    }
    // The kit itself keeps the rules of coordinator and requester.
    let output = with(&["--require", "BACKUP-2"]);
    assert_eq!(code(&output), 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--require BACKUP-2"));
    // A rule that is broken is a failure and not a lack.
    let more = ["--only", "SYNC-1", "--require", "SYNC-1"];
    assert_eq!(code(&conform("defective.py sync-out-of-pair", &more)), 1);
}

#[test]
fn a_verb_that_is_left_out_of_a_script_is_named_with_the_reason() {
    for (verb, says) in [
        ("sync-look", "the world does not offer the action"),
        ("takeover", "the adapter does not have takeover"),
        ("deliver frame 1 1", "at level steered alone"),
        ("write-first; write-one 0", "write-second is next"),
    ] {
        let script = format!("begin pair journal 2; {verb}");
        let output = conform("minimal.py", &["--script", &script]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(code(&output), 3, "{verb}: {text}");
        let word = verb.rsplit("; ").next().unwrap();
        assert!(text.contains(&format!("`{word}`, is left out")) && text.contains(says), "{text}");
    }
    for (verb, says) in
        [("write-one 4294967296", "there are the blocks 0 to 1"), ("destage 0", "no script has it")]
    {
        let output = conform("minimal.py", &["--script", &format!("begin pair; {verb}")]);
        assert_eq!(code(&output), 2, "{verb}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(says), "{verb}");
    }
}

/// The verbs in the help of `--script` and on the page are those that a script is read with.
#[test]
fn every_verb_of_a_script_is_in_the_help_and_on_the_page() {
    let help = crate::command::stdout(&["conform", "--help"], 0);
    let page = include_str!("../../../docs/test-your-implementation.md");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (help, page) = (words(&help), words(page));
    let usages = Verb::usages();
    assert!(usages.split(", ").count() > 35);
    assert!(help.contains(&usages), "{usages}\n{help}");
    assert!(page.contains(&usages), "{usages}");
}

/// The world of a script with every fault offers each verb that a script may have, and no other.
#[test]
fn the_verbs_of_scripts_are_those_that_their_worlds_offer() {
    let mut offered = BTreeSet::new();
    for begin in ["begin pair journal 1", "begin smpl journal 1", "begin pair hold-writes"] {
        let world = begin.parse::<Script>().unwrap().setting.world(&[]);
        let mut states = vec![world.raw_initial()];
        for _ in 0..9 {
            let mut next = Vec::new();
            for state in &states {
                for (action, after) in world.raw_successors(state) {
                    let is_new = offered.insert(action.kind() as usize);
                    if is_new || next.len() < 400 {
                        next.push(after);
                    }
                }
            }
            states = next;
        }
    }
    // Deep in a resync is where the rest is found.
    let all = OPERATIONS.iter().chain(FEATURES).map(ToString::to_string).collect();
    let hello =
        Hello { name: String::new(), version: String::new(), capabilities: all, lacks: vec![] };
    let classes = generate(&hello, Level::Steered).classes;
    offered.extend(classes.iter().map(|class| class.kind as usize));
    for kind in ActionKind::ALL {
        let verb = Verb { number: Some(0), ..Verb::bare(*kind) };
        assert_eq!(verb.check(BLOCKS).is_ok(), offered.contains(&(*kind as usize)), "{kind:?}");
    }
}

#[test]
fn the_headline_on_the_page_is_the_one_that_is_printed() {
    let page = include_str!("../../../docs/test-your-implementation.md");
    let says = headline(&conform("minimal.py", &[]));
    assert!(says.starts_with("CONFORMS on ") && page.contains(&says), "{says}");
}

/// A case is about a rule, and may fail for another reason: what no rule explains is blamed on none, whichever case shows it.
#[test]
fn a_failure_that_no_rule_explains_is_blamed_on_none() {
    for (peculiarity, what) in [
        ("NeverHeld", "the answer to `thaw`"),
        ("MarksAll", "primary dirty"),
        ("NeverAgain", "what has to come in the end"),
    ] {
        let only = ["WRITE-3", "PAIR-3", "RESYNC-4", "SPLIT-2"].map(|rule| ["--only", rule]);
        let more = [only.as_flattened(), &["--format", "json"]].concat();
        let report = json(&peculiar(peculiarity, &more));
        let cases = report["cases"].as_array().unwrap();
        let failures = || cases.iter().filter(|case| case["verdict"] == "fail");
        assert!(failures().count() > 0, "{peculiarity}: {report:#}");
        for case in failures() {
            let id = &case["id"];
            assert_eq!(case["failure"]["rules"], serde_json::json!([]), "{peculiarity}, {id}");
        }
        let is_about = |case: &&serde_json::Value| case["failure"]["what"] == what;
        assert!(failures().any(|case| is_about(&case)), "{peculiarity}: {report:#}");
        let rules = report["rules"].as_array().unwrap();
        assert!(rules.iter().all(|row| row["verdict"] != "fail"), "{peculiarity}: {report:#}");
    }
}

/// What the schema refutes is no answer, so that it says nothing of a rule.
#[test]
fn an_answer_that_is_none_is_no_verdict_and_names_the_field() {
    let script =
        "begin pair journal 2; start-backup; deliver-host request 1; sync-begin; sync-look";
    for (op, answer, field) in [
        ("freeze", r#"{"frozen":"true"}"#, "ok.frozen: "),
        ("freeze", "{}", "ok.frozen: missing"),
        ("mark", r#"{"incarnation":1,"seq":0.5}"#, "ok.seq: "),
        ("mark", "{}", "ok.incarnation: missing"),
        ("mark", r#"{"incarnation":1,"seq":18446744073709551616}"#, "ok.seq: "),
        ("sync", "{}", "ok.outcome: missing"),
        ("split", "{}", "ok.done: missing"),
        ("thaw", "{}", "ok.held: missing"),
        ("backup", "{}", "ok.blocks: missing"),
        ("status", r#"{"primary":{"newest":"1"}}"#, "ok.primary.newest: "),
    ] {
        let output = peculiar(&format!("Answers {op} '{answer}'"), &["--script", script]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code(&output), 3, "{op} {answer}: {text}");
        assert!(text.contains(field) && text.contains(&format!("at `{op}")), "{op}: {text}");
    }
}

#[test]
fn numbers_of_64_bits_are_printed_as_they_are() {
    let answer = r#"{"incarnation":18446744073709551615,"seq":18446744073709551614}"#;
    let script = "begin pair journal 2; start-backup; deliver-host request 1; sync-begin";
    let output = peculiar(&format!("Answers mark '{answer}'"), &["--script", script]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(code(&output), 1, "{text}");
    assert!(text.contains(&format!("seen     {answer}")), "{text}");
}

#[test]
fn no_escape_sequence_of_an_adapter_reaches_the_terminal() {
    let script = "begin pair journal 2; write-one 0; write-one 1";
    for how in ["Colours", "Colours then-ends"] {
        let output = peculiar(how, &["--script", script]);
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            assert!(
                !text.contains(|letter: char| letter.is_control() && letter != '\n'),
                "{text:?}"
            );
        }
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains("\\u{1b}[31m"), "{how}");
    }
}

#[test]
fn a_dry_run_lists_the_cases_and_does_none() {
    let only = ["--dry-run", "--only", "directed", "--only", "random", "--cases", "2", "--format"];
    let report = json(&conform("minimal.py", &[&only[..], &["json"]].concat()));
    let cases = report["cases"].as_array().unwrap();
    let script = |id: &str| cases.iter().find(|case| case["id"] == id).unwrap()["script"].clone();
    assert_eq!(script("directed/WRITE-1"), "begin pair journal 2; write-one 0");
    assert_eq!(script("random/2"), serde_json::Value::Null);
    let text = conform("minimal.py", &[&only[..], &["text"]].concat());
    let lines = String::from_utf8(text.stdout).unwrap();
    assert_eq!(lines.lines().count(), cases.len());
    assert!(lines.contains("directed/WRITE-1: begin pair journal 2; write-one 0\n"), "{lines}");
    // Nothing is asked but who the adapter is.
    assert_eq!(code(&peculiar("Answers init 1", &only[..1])), 0);
}
