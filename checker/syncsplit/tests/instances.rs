//! Instances as files: the example, what each key takes, how a wrong file is refused, and what is expected of a check.
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use predicates::prelude::*;
use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{
    Bounds, Cache, Fault, Faults, INSTANCES, NumberRange, Start, Stillness, Transactions, Variant,
};
use syncsplit_study::instance::Instance;

use crate::command::{json, stdout, syncsplit};

const EXAMPLE: &str = include_str!("../../instances/example.toml");

/// The smallest world there is.
const SMALL: &str = "\
blocks = 2
journal = 1
frames = 1
acks = 0
host_messages = 1
faults = []
";

/// A file of this name that lives as long as the test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("syncsplit-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn check(arguments: &[&str]) -> assert_cmd::Command {
    syncsplit(&[&["check"], arguments].concat())
}

fn refusal(toml: &str) -> String {
    match Instance::parse("a.toml", toml) {
        Err(refused) => refused.to_string(),
        Ok(instance) => panic!("not refused:\n{toml}\n{instance:?}"),
    }
}

/// `SMALL` with this key set otherwise.
fn with(key: &str, value: &str) -> String {
    let mut lines: Vec<String> = SMALL.lines().map(str::to_owned).collect();
    lines.retain(|line| !line.starts_with(&format!("{key} ")));
    lines.insert(0, format!("{key} = {value}"));
    lines.join("\n")
}

#[test]
fn the_example_says_what_its_comments_say() {
    let example = Instance::parse("example", EXAMPLE).unwrap();
    let bounds = Bounds {
        blocks: 2,
        volumes: 1,
        journal: 2,
        frames: 1,
        acks: 1,
        host_messages: 1,
        journal_full: JournalFull::Hold,
        cache: Cache::NonVolatile,
        stillness: Stillness::Freeze,
        start: Start::Pair,
        transactions: Transactions::FirstLast,
        numbers: NumberRange::Endless,
        faults: Faults::only(Fault::LeaseExpiry),
    };
    assert_eq!(example.bounds, bounds);
    assert_eq!(example.variant, Variant::Hardened);
    assert_eq!(example.without, [Rule::Freeze3]);
    assert_eq!(example.properties, ["backup-is-frozen-image", "no-torn-transaction"]);
    let expected = example.expected.unwrap();
    assert!(!expected.holds);
    assert_eq!(expected.violated.unwrap(), ["backup-is-frozen-image"]);
}

#[test]
fn the_example_comes_to_what_it_expects() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../instances/example.toml");
    let says = predicate::str::starts_with("VIOLATED: ")
        .and(predicate::str::contains("\nAs the instance expects.\n"));
    check(&[path.to_str().unwrap()]).assert().code(0).stdout(says).stderr("");
}

/// Runs a command that ends only when it is killed, and returns its first line.
fn first_line(arguments: &[&str]) -> String {
    let program = std::env!("CARGO_BIN_EXE_syncsplit");
    let command = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn();
    let mut child = command.unwrap();
    let mut line = String::new();
    let read = BufReader::new(child.stdout.take().unwrap()).read_line(&mut line);
    child.kill().and_then(|()| child.wait()).unwrap();
    read.unwrap();
    line
}

#[test]
fn every_command_takes_every_instance_that_is_listed() {
    let listed = json(&["list", "instances"], 0);
    let names =
        listed["instances"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap());
    let names: BTreeSet<&str> = names.collect();
    assert_eq!(names.len(), INSTANCES.len() + 63, "{names:?}");
    let trace =
        TempFile(std::env::temp_dir().join(format!("syncsplit-{}.itf.json", std::process::id())));
    for name in names {
        let cut = ["--states", "10", "--threads", "1"];
        syncsplit(&[&["check", name], &cut[..]].concat()).assert().code(3);
        let violated = ["--without", "BACKUP-1", "--property", "backup-is-frozen-image"];
        let kept = ["--threads", "1", "--trace-out", trace.path()];
        syncsplit(&[&["check", name], &violated[..], &kept].concat()).assert().code(1);
        let replayed = syncsplit(&["replay", trace.path()]).assert().code(0);
        replayed.stdout(predicate::str::contains(name));
        syncsplit(&[&["ablate", name, "--only", "WRITE-2"], &cut[..]].concat()).assert().code(3);
        let walk = ["simulate", name, "--runs", "2", "--steps", "5", "--seed", "1"];
        syncsplit(&walk).assert().code(0);
        let line = first_line(&["explore", name, "--port", "0"]);
        assert!(line.starts_with(&format!("Explorer of {name}")), "{line}");
    }
}

#[test]
fn a_small_instance_is_one_of_its_table() {
    let small = Instance::load("small-link-down-published").unwrap();
    assert_eq!(
        (small.variant, small.says.as_str()),
        (Variant::Published, "small with link-down, published")
    );
    assert_eq!(small.bounds.faults, Faults::only(Fault::LinkDown));
    // The patent promises no image while a resync copies, and a world without suspensions reaches few twins.
    assert_eq!(small.properties.len(), 10);
    let wide = Instance::load("small-wide").unwrap();
    assert_eq!((wide.bounds.journal, wide.bounds.acks, wide.properties.len()), (2, 2, 11));
    let says = predicate::str::starts_with("HOLDS: small-link-down-published, published")
        .and(predicate::str::contains("\nAs the instance expects.\n"));
    check(&["small-link-down-published"]).assert().code(0).stdout(says);
}

#[test]
fn every_key_is_on_the_page_and_in_the_example() {
    let page = include_str!("../../../docs/instances.md");
    let keys = |toml: &str| -> Vec<String> {
        let refusal = refusal(toml);
        let (_, keys) = refusal.split_once("expected one of ").unwrap();
        keys.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let all = [keys("colour = 1"), keys(&format!("{SMALL}[expected]\ncolour = 1"))].concat();
    assert!(all.len() >= 22, "{all:?}");
    for key in all {
        assert!(page.contains(&format!("\n| `{key}` |")), "docs/instances.md has no row for {key}");
        let forms = [format!("\n{key} ="), format!("\n# {key} ="), format!("\n[{key}]")];
        assert!(forms.iter().any(|form| EXAMPLE.contains(form)), "the example has no {key}");
    }
}

#[test]
fn what_the_list_shows_is_an_instance() {
    let text = stdout(&["list", "instances"], 0);
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    let shown: String = lines.map(|line| format!("{line}\n")).collect();
    let instance = Instance::parse("shown", &shown).unwrap();
    assert!(instance.expected.unwrap().holds);
}

#[test]
fn names_and_values_mean_what_they_say() {
    let toml = format!(
        "{SMALL}volumes = 2\njournal_full = \"suspend\"\ncache = \"volatile\"\nstillness = \"quiesce\"\n\
         start = \"smpl\"\ntransactions = \"any\"\nvariant = \"published\""
    );
    let instance = Instance::parse("a", &toml.replace("faults = []", "faults = \"all\"")).unwrap();
    assert_eq!(instance.bounds.volumes, 2);
    assert_eq!(instance.bounds.journal_full, JournalFull::Suspend);
    assert_eq!(instance.bounds.cache, Cache::Volatile);
    assert_eq!(instance.bounds.stillness, Stillness::Quiesce);
    assert_eq!(instance.bounds.start, Start::Smpl);
    assert_eq!(instance.bounds.transactions, Transactions::Any);
    assert_eq!(instance.bounds.faults, Faults::all());
    assert_eq!(instance.variant, Variant::Published);
    for fault in Fault::ALL {
        let toml = with("faults", &format!("[{:?}]", fault.name()));
        let instance = Instance::parse("a", &toml).unwrap();
        assert_eq!(instance.bounds.faults, Faults::only(*fault));
    }
    for named in INSTANCES {
        assert_eq!(Instance::load(named.name).unwrap().bounds, named.bounds);
    }
}

#[test]
fn a_wrong_value_is_refused_by_key_value_and_range() {
    let ranges = [
        ("blocks", "1", "valid is 2 to 3"),
        ("blocks", "4", "valid is 2 to 3"),
        ("blocks", "-1", "valid is 2 to 3"),
        ("blocks", "4294967298", "valid is 2 to 3"),
        ("volumes", "0", "valid is 1 to 3"),
        ("journal", "0", "valid is 1 to 3"),
        ("journal", "4", "valid is 1 to 3"),
        ("frames", "0", "valid is 1 to 2"),
        ("acks", "3", "valid is 0 to 2"),
        ("host_messages", "0", "valid is 1 to 2"),
    ];
    for (key, value, valid) in ranges {
        let refusal = refusal(&with(key, value));
        assert!(refusal.starts_with("a.toml:1:"), "{refusal}");
        assert!(refusal.contains(&format!("{key} = {value}; {valid}")), "{refusal}");
    }
    let words = [
        ("journal_full", "drop", "\"hold\", \"suspend\""),
        ("cache", "big", "\"non-volatile\", \"volatile\""),
        ("stillness", "pause", "\"freeze\", \"quiesce\""),
        ("start", "copy", "\"pair\", \"smpl\""),
        ("transactions", "two", "\"first-last\", \"any\""),
        ("variant", "optimistic", "\"hardened\", \"published\""),
        ("faults", "none", "\"all\" and a list"),
    ];
    for (key, value, valid) in words {
        let refusal = refusal(&with(key, &format!("{value:?}")));
        assert!(refusal.starts_with("a.toml:1:"), "{refusal}");
        let found = refusal.contains(&format!("{key} = {value:?}")) && refusal.contains(valid);
        assert!(found, "{refusal}");
    }
    for (key, value) in [("faults", "meteor"), ("without", "SYNC-x"), ("properties", "liveness")] {
        for list in [format!("[{value:?}]"), format!("[\n  # a comment\n  {value:?}]")] {
            let refusal = refusal(&with(key, &list));
            assert!(refusal.contains(&format!("{key} has {value:?}; valid are ")), "{refusal}");
            let line = list.lines().count();
            assert!(refusal.starts_with(&format!("a.toml:{line}:")), "{refusal}");
        }
    }
    let twice = with("faults", "[\"takeover\", \"takeover\"]");
    assert!(refusal(&twice).contains("faults has \"takeover\" twice"));
}

#[test]
fn a_wrong_form_is_refused_with_its_place() {
    let wrong = [
        ("colour = \"red\"", "colour", "a.toml:1:1:"),
        ("blocks = \"two\"", "a whole number", "a.toml:1:10:"),
        ("blocks = 1.5", "a whole number", "a.toml:1:10:"),
        ("blocks = 99999999999999999999", "", "a.toml:1:10:"),
        ("faults = 3", "\"all\" or a list of faults", "a.toml:1:10:"),
        ("without = \"SYNC-5\"", "", "a.toml:1:11:"),
        ("expected = 1", "", "a.toml:1:12:"),
        ("blocks = 2\nblocks = 2", "duplicate key", "a.toml:2:1:"),
        ("blocks =", "", "a.toml:1:"),
        ("\u{0}", "", "a.toml:1:"),
        ("[[expected]]", "", "a.toml:1:"),
    ];
    for (toml, says, place) in wrong {
        let refusal = refusal(toml);
        assert!(refusal.starts_with(place) && refusal.contains(says), "{toml}: {refusal}");
    }
    let missing = refusal("blocks = 2");
    assert!(missing.contains("missing field `journal`"), "{missing}");
    let missing = refusal(&format!("{SMALL}[expected]\nstates = 1"));
    assert!(missing.contains("missing field `verdict`"), "{missing}");
}

#[test]
fn a_contradiction_is_refused() {
    let outcome = |more: &str| format!("{SMALL}[expected]\nverdict = \"holds\"\n{more}");
    let violated = |more: &str| outcome(more).replace("\"holds\"", "\"violated\"");
    let wrong = [
        (with("volumes", "3"), "volumes = 3, and blocks = 2", "1 to 2"),
        (with("cache", "\"volatile\""), "cache = \"volatile\"", "crash-secondary"),
        (
            format!("variant = \"published\"\nwithout = [\"SYNC-5\"]\n{SMALL}"),
            "without has \"SYNC-5\", which variant \"published\" lacks anyway",
            "WRITE-1",
        ),
        (outcome("violated = [\"invariants\"]"), "expected.violated", "\"violated\""),
        (outcome("steps = 3"), "expected.steps", "\"violated\""),
        (outcome("states = 0"), "expected.states = 0", "1 or more"),
        (outcome("transitions = -1"), "expected.transitions = -1", "0 or more"),
        (outcome("").replace("holds", "maybe"), "expected.verdict = \"maybe\"", "\"violated\""),
        (violated("violated = [\"invariants/reached\"]"), "\"invariants/reached\"", "invariants"),
        (violated("steps = 3\ndepth = 4"), "expected.steps = 3", "expected.depth = 4"),
        (
            format!(
                "properties = [\"image-is-prefix\"]\n{}",
                violated("violated = [\"invariants\"]")
            ),
            "expected.violated has \"invariants\"",
            "image-is-prefix",
        ),
    ];
    for (toml, says, valid) in wrong {
        let refusal = refusal(&toml);
        assert!(refusal.starts_with("a.toml:"), "{refusal}");
        assert!(refusal.contains(says) && refusal.contains(valid), "{toml}\n{refusal}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    for (path, says) in [("./no-such.toml", "cannot be read"), ("/", "cannot be read")] {
        let says = predicate::str::contains(path).and(predicate::str::contains(says));
        check(&[path]).assert().code(2).stdout("").stderr(says);
    }
    let long = TempFile::new("long", &"#".repeat(1 << 21));
    let says = predicate::str::contains("longer than");
    check(&[long.path()]).assert().code(2).stdout("").stderr(says);
    let wrong = TempFile::new("wrong", "blocks = 9");
    let says = predicate::str::contains("missing field");
    check(&[wrong.path()]).assert().code(2).stdout("").stderr(says);
}

#[test]
fn another_outcome_than_the_expected_one_is_named_and_exits_1() {
    let lease = SMALL.replace("[]", "[\"lease-expiry\"]");
    // Every property but the twins, which need faults that this world has not.
    let asks = "properties = [\"backup-is-frozen-image\", \"image-is-prefix\"]\n";
    let met = TempFile::new("met", &format!("{lease}{asks}[expected]\nverdict = \"holds\""));
    check(&[met.path()]).assert().code(0);
    let wrong = format!("{lease}{asks}[expected]\nverdict = \"holds\"\nstates = 1\ndepth = 1");
    let wrong = TempFile::new("counts", &wrong);
    let says =
        predicate::str::contains("NOT as the instance expects:\n  states: expected 1, found ")
            .and(predicate::str::contains("\n  depth: expected 1, found "));
    check(&[wrong.path()]).assert().code(1).stdout(says);
    let wrong = format!("without = [\"FREEZE-3\"]\n{lease}{asks}[expected]\nverdict = \"holds\"");
    let wrong = TempFile::new("verdict", &wrong);
    let says = predicate::str::contains("verdict: expected holds, found violated");
    check(&[wrong.path()]).assert().code(1).stdout(says);
    // Asked otherwise, the file's expectation says nothing; the verdict decides.
    let says = predicate::str::contains("asks another question")
        .and(predicate::str::contains("NOT as").not());
    check(&[wrong.path(), "--without", "SYNC-4"]).assert().code(1).stdout(says);
    check(&[wrong.path(), "--states", "5"]).assert().code(3);
    let wrong = format!(
        "without = [\"FREEZE-3\"]\n{lease}{asks}[expected]\nverdict = \"violated\"\nsteps = 3\nviolated = [\"image-is-prefix\"]"
    );
    let wrong = TempFile::new("steps", &wrong);
    let says = predicate::str::contains("steps: expected 3, found ").and(predicate::str::contains(
        "violated: expected image-is-prefix, found backup-is-frozen-image",
    ));
    check(&[wrong.path()]).assert().code(1).stdout(says);
}

/// The properties whose question never arises where no pair is copied.
const COPIED: [&str; 3] = ["difference-is-covered", "one-image-always", "states-defined"];

/// The properties that a report says are not exercised.
fn unexercised(report: &serde_json::Value) -> Vec<&str> {
    let rows = report["unexercised"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["needs"].as_str().is_some_and(|needs| !needs.is_empty())));
    rows.iter().map(|row| row["property"].as_str().unwrap()).collect()
}

#[test]
fn a_world_with_one_fault_holds_and_says_which_questions_never_arose() {
    for fault in Fault::ALL {
        let world = SMALL.replace("[]", &format!("[\"{}\"]", fault.name()));
        let world = TempFile::new(fault.name(), &world);
        let report = json(&["check", world.path()], 0);
        assert_eq!(report["verdict"], "holds", "{}", fault.name());
        let is_suspended = Fault::SUSPENDING.contains(*fault);
        let expected: &[&str] = if is_suspended { &[] } else { &COPIED };
        assert_eq!(unexercised(&report), expected, "{}", fault.name());
        json(&["check", world.path(), "--strict"], if is_suspended { 0 } else { 3 });
        let idle = format!("fault {} never had an effect", fault.name());
        let warnings = report["warnings"].as_array().unwrap().iter();
        let idle: Vec<_> = warnings.filter_map(|w| w.as_str()?.strip_prefix(&idle)).collect();
        assert_eq!(idle.is_empty(), *fault != Fault::CrashPrimary, "{}", fault.name());
        assert!(idle.iter().all(|why| why.contains("the instance quiesce shows it")), "{idle:?}");
    }
}

#[test]
fn what_a_question_needs_makes_it_arise() {
    for (more, expected) in [
        ("", &COPIED[..]),
        ("start = \"smpl\"\n", &COPIED[1..2]),
        ("journal_full = \"suspend\"\n", &[]),
    ] {
        let world = TempFile::new("needs", &format!("{SMALL}{more}"));
        let report = json(&["check", world.path()], 0);
        assert_eq!(unexercised(&report), expected, "{more}");
        for row in report["unexercised"].as_array().unwrap() {
            let needs = row["needs"].as_str().unwrap();
            let is_said = |word| needs.contains(word);
            assert!(is_said("journal_full = \"suspend\""), "{needs}");
            assert!(Fault::SUSPENDING.iter().all(|fault| is_said(fault.name())), "{needs}");
            assert_eq!(is_said("start = \"smpl\""), row["property"] != "one-image-always");
        }
    }
    let world = TempFile::new("synchronous", &format!("variant = \"synchronous\"\n{SMALL}"));
    let report = json(&["check", world.path()], 0);
    let row =
        |name| report["unexercised"].as_array().unwrap().iter().find(|r| r["property"] == name);
    for name in ["sync-means-written", "frozen-means-still"] {
        assert!(row(name).unwrap()["needs"].as_str().unwrap().ends_with("but synchronous"));
    }
}

#[test]
fn a_property_by_name_whose_question_never_arose_is_not_exercised() {
    let world = TempFile::new("named", SMALL);
    let of = |name: &str, exit, verdict: &str| {
        let report = json(&["check", world.path(), "--property", name], exit);
        assert_eq!(report["properties"].as_array().unwrap().len(), 1, "no twin is listed");
        assert_eq!(report["properties"][0]["verdict"], verdict, "{name}");
        report["verdict"].clone()
    };
    for name in COPIED {
        assert_eq!(of(name, 3, "not exercised"), "undecided");
    }
    assert_eq!(of("image-is-prefix", 0, "holds"), "holds");
    let both = ["check", world.path(), "--property", COPIED[2], "--property", "image-is-prefix"];
    let report = json(&both, 0);
    assert_eq!(
        (report["verdict"].as_str(), unexercised(&report)),
        (Some("holds"), vec![COPIED[2]])
    );
    let text = stdout(&["check", world.path(), "--property", COPIED[2]], 3);
    assert!(text.contains("nothing is shown") && text.contains("start = \"smpl\""), "{text}");
    let xml = stdout(&["check", world.path(), "--property", COPIED[2], "--format", "junit"], 3);
    assert!(xml.contains("<skipped message=\"not exercised:"), "{xml}");
    // A limit says so itself, in text and in XML.
    let limited = ["check", world.path(), "--property", COPIED[2], "--states", "10"];
    let text = stdout(&limited, 3);
    assert!(text.contains("limit of states") && !text.contains("nothing is shown"), "{text}");
    // A twin by its own name has to be reached, and a named instance pins all that it asks.
    let twin = format!("{}/reached", COPIED[2]);
    assert_eq!(json(&["check", world.path(), "--property", &twin], 1)["verdict"], "violated");
    assert_eq!(unexercised(&json(&["check", "small"], 0)), Vec::<&str>::new());
}

#[test]
fn whoever_leaves_out_a_rule_hears_where_its_harm_shows() {
    let left_out = |rule: &str| stdout(&["check", "small", "--without", rule], 0);
    let freeze = left_out("FREEZE-2");
    assert!(freeze.contains("syncsplit check waits --without FREEZE-2"), "{freeze}");
    assert!(left_out("PAIR-4").contains("alone breaks nothing known: creating the pair again"));
}

#[test]
fn what_never_had_an_effect_is_warned_of() {
    // `published` has no lease that could end.
    let asks = "properties = [\"image-is-prefix\"]\nvariant = \"published\"\n";
    let idle = SMALL.replace("[]", "[\"lease-expiry\", \"timeouts\"]");
    let idle = TempFile::new("idle", &format!("{asks}{idle}"));
    let warnings = [
        "LeaseExpires never happened, though this world has it",
        "fault lease-expiry never had an effect",
    ];
    let report = json(&["check", idle.path()], 0);
    assert_eq!(report["warnings"], serde_json::json!(warnings));
    let faults = report["faults"].as_array().unwrap();
    let fired = |name: &str| faults.iter().find(|f| f["fault"] == name).unwrap()["fired"].as_u64();
    assert_eq!(fired("lease-expiry"), Some(0));
    assert!(fired("timeouts") > Some(0));
    let says = predicate::str::contains(format!("\nwarning: {}\n", warnings[0]));
    check(&[idle.path()]).assert().code(0).stdout(says);
    // The same under every rule has nothing to warn of, and a search cut short says nothing about what never happens.
    let busy = SMALL.replace("[]", "[\"lease-expiry\", \"timeouts\"]");
    let busy = TempFile::new("busy", &format!("properties = [\"image-is-prefix\"]\n{busy}"));
    assert_eq!(json(&["check", busy.path()], 0)["warnings"], serde_json::json!([]));
    let report = json(&["check", idle.path(), "--states", "10"], 3);
    assert_eq!(report["warnings"], serde_json::json!([]));
}
