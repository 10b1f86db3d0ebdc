//! The conformance kit against adapters in Python: a correct one, one with a defect each, and ones that misbehave.
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::Value;
use syncsplit_conform::directed;
use syncsplit_conform::leash::Leash;
use syncsplit_conform::process::Adapter;
use syncsplit_conform::random::Walk;
use syncsplit_conform::run;
use syncsplit_conform::script::Script;
use syncsplit_conform::session::{AdapterOptions, Session};
use syncsplit_conform::wire::{Level, Reply};
use syncsplit_study::ablate;

pub(crate) fn adapters() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters")
}

/// `syncsplit conform` with one of the adapters there.
pub(crate) fn conform(adapter: &str, more: &[&str]) -> Output {
    let is_script = adapter.split(' ').next().is_some_and(|file| file.ends_with(".mjs"));
    let program = if is_script { "node" } else { "python3" };
    conform_by(&format!("{program} {}/{adapter}", adapters().display()), more)
}

/// `syncsplit conform` with the adapter that this command starts.
pub(crate) fn conform_by(command: &str, more: &[&str]) -> Output {
    let mut conform = Command::new(env!("CARGO_BIN_EXE_syncsplit"));
    conform.args(["conform", "--adapter", command]).args(more);
    let leash = Leash::new().unwrap();
    leash.hold(&mut conform);
    conform.output().unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An adapter at level marked whose Sync may take so long.
fn marked(sync_ms: u64) -> AdapterOptions {
    AdapterOptions { level: Level::Marked, sync_ms, seed: 1, lease_ms: 10_000 }
}

/// The seed in the command that repeats a failing case.
fn seed(case: &Value) -> String {
    let command = case["failure"]["command"].as_str().unwrap();
    let (_, from) = command.split_once("--seed ").unwrap();
    from.split(' ').next().unwrap().to_owned()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn the_minimal_adapter_conforms_at_both_levels() {
    let lines = std::fs::read_to_string(adapters().join("minimal.py")).unwrap().lines().count();
    assert!(lines <= 150, "it is the page to copy from: {lines} lines");
    for (level, cases) in [("marked", "60"), ("black-box", "20")] {
        let more = ["--level", level, "--cases", cases, "--format", "json", "--seed", "11"];
        let output = conform("minimal.py", &more);
        let report = json(&output);
        assert_eq!(code(&output), 0, "{level}: {report:#}");
        assert_eq!(report["verdict"], "conforms");
        let of = |rule: &str| {
            let rules = report["rules"].as_array().unwrap();
            rules.iter().find(|row| row["rule"] == rule).unwrap()["verdict"].clone()
        };
        assert_eq!(of("WRITE-4"), "pass", "{level}");
        assert_eq!(of("TAKEOVER-1"), "not reached", "{level}");
    }
}

/// `syncsplit conform` with `tests/adapters/peculiar.py`.
pub(crate) fn peculiar(peculiarity: &str, more: &[&str]) -> Output {
    conform(&format!("../syncsplit/tests/adapters/peculiar.py {peculiarity}"), more)
}

/// What the first case that fails shows.
pub(crate) fn failure(report: &Value) -> Value {
    let cases = report["cases"].as_array().unwrap();
    let failed = cases.iter().find(|case| case["verdict"] == "fail");
    failed.unwrap_or_else(|| panic!("nothing fails: {report:#}"))["failure"].clone()
}

#[test]
fn a_sync_may_run_out_of_time_whatever_there_is_but_not_for_ever() {
    for level in ["marked", "black-box"] {
        let only = ["--only", "directed", "--only", "random", "--cases", "12"];
        let more = [&only[..], &["--level", level, "--format", "json"]].concat();
        let output = peculiar("SyncSlow", &more);
        assert_eq!(code(&output), 0, "{level}: {:#}", json(&output));
        let script = ["--level", level, "--format", "json", "--script", "begin pair journal 2"];
        assert_eq!(code(&peculiar("SyncNeverTold", &script)), 1, "{level}");
    }
    // Nothing is outstanding, or the pair is no more: one look would end the Sync.
    let sync = "begin pair journal 2; start-backup; deliver-host request 1; sync-begin";
    for (peculiarity, then, expected) in
        [("SyncNeverTold", "sync-look", "DONE"), ("SyncNeverBroken", "suspend", "BROKEN")]
    {
        let script = ["--format", "json", "--script", &format!("{sync}; {then}")];
        let failure = failure(&json(&peculiar(peculiarity, &script)));
        assert_eq!(failure["expected"], serde_json::json!([expected]), "{then}");
        assert_eq!(failure["seen"], "{\"outcome\":\"TIMEOUT\"}", "{then}");
    }
    // A Sync that is given no time looks once.
    let at_once = ["--sync-timeout", "100us", "--script", &format!("{sync}; sync-look")];
    assert_eq!(code(&peculiar("SyncSlow", &at_once)), 0);
    let output = peculiar("SyncNeverTold", &at_once);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("TIMEOUT").count(), 2, "asked, and shown as seen: {text}");
}

#[test]
fn a_journal_of_which_nothing_is_said_is_never_full() {
    for level in ["marked", "black-box"] {
        let more = ["--level", level, "--cases", "12", "--format", "json"];
        let report = json(&peculiar("Unbounded", &more));
        assert_eq!(report["verdict"], "conforms", "{level}: {report:#}");
        let rules = report["rules"].as_array().unwrap();
        let full = rules.iter().find(|row| row["rule"] == "WRITE-4").unwrap();
        assert_eq!(full["verdict"], "not reached", "{level}");
    }
    // The third write finds a journal of two entries full that nothing can leave, unless the pair is suspended.
    let script = "begin pair journal 2; link-down; write-one 0; write-one 1; write-one 0";
    assert_eq!(code(&peculiar("UnboundedUnsaid", &["--script", script])), 1);
    assert_eq!(code(&peculiar("Unbounded", &["--script", script])), 0);
    // With the link up the host waits, and with it down the ending does not wait for the rest of a transaction.
    for verbs in ["write-one 0; write-one 1; write-first", "write-first; link-down"] {
        let script = format!("begin pair journal 1; {verbs}");
        let report = json(&peculiar("Unbounded", &["--format", "json", "--script", &script]));
        assert_eq!(report["finished"], 1, "{verbs}: {report:#}");
    }
}

/// Its replicator goes on by itself between the requests, by the clock and not by the seed.
#[test]
fn the_adapter_in_javascript_conforms_at_both_levels() {
    let lines = std::fs::read_to_string(adapters().join("minimal.mjs")).unwrap().lines().count();
    assert!(lines <= 150, "it is a page to copy from: {lines} lines");
    for (level, cases) in [("marked", "50"), ("black-box", "15")] {
        let only = ["--only", "directed", "--only", "random", "--cases", cases];
        let more = [&only[..], &["--level", level, "--format", "json", "--seed", "11"]].concat();
        let output = conform("minimal.mjs", &more);
        let report = json(&output);
        assert_eq!(code(&output), 0, "{level}: {report:#}");
        assert!(report["finished"].as_u64().unwrap() > 40, "{level}: {report:#}");
    }
}

/// Two mistakes that whoever writes a replicator may make.
#[test]
fn mistakes_in_javascript_are_found_and_named() {
    let source = std::fs::read_to_string(adapters().join("minimal.mjs")).unwrap();
    let folder = std::env::temp_dir().join(format!("syncsplit-mistakes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (rule, right, wrong) in [
        ("SYNC-3", "this.written >= mark.seq)", "this.written >= mark.seq - 1)"),
        ("SPLIT-1", "{ s_vol: [...this.sp_vol], replica", "{ replica"),
    ] {
        assert_eq!(source.matches(right).count(), 1, "{right}");
        std::fs::write(folder.join("mistake.mjs"), source.replace(right, wrong)).unwrap();
        let command = format!("node {}/mistake.mjs", folder.display());
        // Which case meets it depends on the clock, so that one alone says nothing.
        let only = ["--only", "directed", "--only", "random", "--cases", "30"];
        let report = json(&conform_by(&command, &[&only[..], &["--format", "json"]].concat()));
        let rules = report["rules"].as_array().unwrap();
        let row = rules.iter().find(|row| row["rule"] == rule).unwrap();
        assert_eq!(row["verdict"], "fail", "{wrong}: {report:#}");
        if rule == "SPLIT-1" {
            let output = conform_by(&command, &["--script", "begin pair journal 2; write-one 0"]);
            let text = String::from_utf8_lossy(&output.stdout);
            assert_eq!(code(&output), 1, "{text}");
            assert!(text.contains("FAIL script (SPLIT-1)"), "{text}");
            assert!(text.contains("done\n       and then, as after every script:\n"), "{text}");
            assert!(!text.contains("list of known failures"), "no list was given: {text}");
            assert!(text.contains("does not have") && text.contains("takeover"), "{text}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_defect_is_found_and_its_script_repeats_it() {
    // Some show at once, others only where the implementation has no time to catch up. Those that take dozens of random runs
    // are left to the kill matrix.
    for defect in [
        "sync-off-by-one",
        "sync-holds-written",
        "sync-forgets-the-pair",
        "sync-out-of-pair",
        "bitmap-forgotten",
        "write-not-marked",
        "bit-cleared-too-early",
        "split-not-atomic",
        "split-in-copy",
        "lease-ignored",
        "thaw-always-held",
        "freeze-in-transaction",
        "write-while-frozen",
        "full-journal-drops",
        "sequence-reset",
        "svol-written-while-read",
    ] {
        let adapter = format!("defective.py {defect}");
        let output = conform(&adapter, &["--cases", "200", "--fail-fast", "--format", "json"]);
        let report = json(&output);
        assert_eq!(code(&output), 1, "{defect} is not found");
        let cases = report["cases"].as_array().unwrap();
        let failure = cases.iter().find(|case| case["verdict"] == "fail").unwrap();
        let script = failure["script"].as_str().unwrap();
        let seed = seed(failure);
        let repeat = ["--seed", &seed, "--script", script];
        let again = conform(&adapter, &repeat);
        assert_eq!(code(&again), 1, "{defect}: {script} does not repeat it");
        let text = String::from_utf8(again.stdout).unwrap();
        assert!(text.contains("expected") && text.contains("repeat   syncsplit conform"), "{text}");
        // The same script says nothing against the implementation without the defect.
        assert_ne!(code(&conform("minimal.py", &repeat)), 1, "{defect}: {script}");
    }
}

/// Which seed the adapter's own choices begin with must not matter for a rule whose directed cases are made for that.
#[test]
fn a_sync_that_forgets_the_pair_is_found_by_directed_cases_at_every_seed() {
    let interrupt = Arc::new(AtomicBool::new(false));
    let start = |name: &str| {
        let command = format!("python3 '{}/{name}", adapters().display());
        Adapter::start(&command, Duration::from_secs(10), &interrupt, false).unwrap()
    };
    let mut defective = start("defective.py' sync-forgets-the-pair");
    let mut correct = start("minimal.py'");
    let cases = directed::at_level(correct.hello(), Level::Marked).unwrap();
    let of_rule: Vec<_> = cases.iter().filter(|case| case.rule.id() == "SYNC-5").collect();
    // It deletes and creates no pair, which one script in six asks for.
    assert_eq!(of_rule.len(), 1 + 4 * 5);
    for seed in 1..=20 {
        let mut found = false;
        for case in &of_rule {
            let how = AdapterOptions { seed: seed + case.beginning, ..marked(1000) };
            let fails = |adapter: &mut Adapter| {
                let outcome = run::script(adapter, how, &case.script, &[]).unwrap();
                outcome.is_some_and(|outcome| outcome.failure.is_some())
            };
            assert!(!fails(&mut correct), "{}, seed {seed}: false alarm", case.id);
            found = found || fails(&mut defective);
        }
        assert!(found, "seed {seed}");
    }
}

/// For defects that are one rule left out, and that show however the adapter's own choices fall.
#[test]
fn a_reported_script_is_no_longer_than_the_shortest_way_to_the_harm() {
    let rows = ablate::table().unwrap();
    for (defect, rule) in [
        ("write-not-marked", "WRITE-3"),
        ("split-in-copy", "RESYNC-4"),
        ("freeze-in-transaction", "FREEZE-1"),
        ("lease-ignored", "FREEZE-2"),
        ("thaw-always-held", "FREEZE-3"),
        ("sync-out-of-pair", "SYNC-1"),
        ("split-of-old-id", "SPLIT-2"),
    ] {
        let adapter = format!("defective.py {defect}");
        let output = conform(&adapter, &["--cases", "60", "--fail-fast", "--format", "json"]);
        let report = json(&output);
        let cases = report["cases"].as_array().unwrap();
        let failed = cases.iter().find(|case| case["verdict"] == "fail").unwrap();
        let script: Script = failed["script"].as_str().unwrap().parse().unwrap();
        let shown = &rows.iter().find(|row| row.rule == rule).unwrap().shown;
        // SYNC-1 harms nothing that is checked; a script by hand shows it.
        let (_, directed) =
            directed::cases().unwrap().into_iter().find(|(case, _)| case.id() == rule).unwrap();
        let around = shown.cycle().unwrap_or_default();
        let shortest = shown.steps().map_or(directed.verbs.len(), |steps| steps + around);
        let length = script.verbs.len();
        assert!(length <= shortest, "{defect}: {length} verbs, {rule} takes {shortest}: {script}");
        // Without any one verb the same is not seen any more.
        let seed = seed(failed);
        for at in 0..length {
            let mut shorter = script.clone();
            let left_out = shorter.verbs.remove(at);
            let shorter = shorter.to_string();
            let output = conform(&adapter, &["--seed", &seed, "--script", &shorter]);
            assert_ne!(code(&output), 1, "{defect}: {script} fails without {left_out}");
        }
    }
}

/// What CI has no time for: no false alarm in many runs. `cargo test --release -p syncsplit --test command --
/// --ignored` takes some minutes.
#[test]
#[ignore = "a thousand runs take minutes"]
fn a_thousand_runs_are_no_false_alarm() {
    for (level, seed) in [("marked", "1"), ("marked", "2"), ("black-box", "3")] {
        let output = conform("minimal.py", &["--level", level, "--cases", "1000", "--seed", seed]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(code(&output), 0, "{level}, seed {seed}: {text}");
    }
}

#[test]
fn an_adapter_that_misbehaves_is_no_verdict_and_leaves_nothing_behind() {
    for (how, says) in [
        ("crash", "it has ended"),
        ("hang", "no answer within 5s"),
        ("garbage", "no JSON"),
        ("typo", "ok.outcome: unknown variant `DOEN`"),
    ] {
        let begin = Instant::now();
        // The mark is found in the list of processes by nobody but this test.
        let mark = format!("{how}-{}", std::process::id());
        let output = conform(
            &format!("defective.py {how} {mark}"),
            &["--cases", "1", "--time-limit", "5s", "--format", "json"],
        );
        assert_eq!(code(&output), 3, "{how}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(says) && text.contains("at `sync"), "{how}: {text}");
        assert!(text.contains(&format!("about to {how}")), "{how}: its stderr is missing: {text}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["verdict"], "undecided", "{how}");
        assert!(report["request"].as_str().unwrap().starts_with("sync"), "{how}: {report}");
        assert!(begin.elapsed() < Duration::from_secs(30), "{how}");
        assert!(!is_running(&mark), "{how} left a process behind");
    }
}

/// Whether a process with `mark` among its arguments is there.
fn is_running(mark: &str) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(mark)
    })
}

#[test]
fn children_of_an_adapter_are_ended_with_it() {
    let mark = format!("86{:06}", std::process::id());
    let adapter = format!("sleep {mark} & python3 {}/minimal.py", adapters().display());
    let mut conform = Command::new(env!("CARGO_BIN_EXE_syncsplit"));
    conform.args(["conform", "--adapter", &adapter, "--only", "directed/WRITE-1"]);
    let leash = Leash::new().unwrap();
    leash.hold(&mut conform);
    assert_eq!(conform.output().unwrap().status.code(), Some(0));
    assert!(!is_running(&mark));
}

/// A session of its own is a group of its own; with a parent that has ended, and without the environment, nothing leads back
/// to the adapter but that whoever is left behind is given to the kit.
#[test]
#[cfg(target_os = "linux")]
fn a_daemon_of_an_adapter_is_ended_with_it() {
    let mark = format!("80{:07}", std::process::id());
    let daemons = ["setsid sleep @ &", "setsid sh -c 'env -i sleep @ & sleep @ & exit' &"];
    let daemons = daemons.join(" ").replace('@', &mark);
    let adapter = format!("{daemons} exec python3 {}/minimal.py", adapters().display());
    // A child that the kit had before is not the adapter's.
    let with_other =
        "sleep 600 >&- 2>&- & echo $!; exec \"$0\" conform --adapter \"$1\" --only WRITE-1";
    let mut shell = Command::new("sh");
    shell.args(["-c", with_other, env!("CARGO_BIN_EXE_syncsplit"), &adapter]);
    let leash = Leash::new().unwrap();
    leash.hold(&mut shell);
    let output = shell.output().unwrap();
    let other = String::from_utf8_lossy(&output.stdout).lines().next().unwrap().to_owned();
    let other_runs = Command::new("sh").args(["-c", &format!("kill {other}")]).status().unwrap();
    assert_eq!(code(&output), 0, "{daemons}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(!is_running(&mark), "{daemons}");
    assert!(other_runs.success());
}

/// How many processes are `sleep` for so long.
fn sleepers(mark: &str) -> usize {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let line = |process: std::fs::DirEntry| std::fs::read(process.path().join("cmdline")).ok();
    let sleeper = format!("sleep\0{mark}\0");
    processes.flatten().filter_map(line).filter(|line| *line == sleeper.as_bytes()).count()
}

/// An adapter that does not look at its stdin notices no end of the kit, nor does what it has started.
#[test]
#[cfg(target_os = "linux")]
fn an_adapter_that_hangs_ends_with_the_kit_however_the_kit_ends() {
    let mark = format!("82{:07}", std::process::id());
    let adapter = format!("trap '' TERM; sleep {mark} & sleep {mark}");
    let mut conform = Command::new(env!("CARGO_BIN_EXE_syncsplit"));
    conform.args(["conform", "--adapter", &adapter, "--only", "directed/WRITE-1"]);
    let leash = Leash::new().unwrap();
    leash.hold(&mut conform);
    let mut conform = conform.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = |count| {
        let begin = Instant::now();
        while sleepers(&mark) != count {
            assert!(begin.elapsed() < Duration::from_secs(60), "{} sleep", sleepers(&mark));
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    until(2);
    conform.kill().unwrap();
    conform.wait().unwrap();
    until(0);
}

#[test]
fn bad_usage_names_what_would_be_valid() {
    for (more, says) in [
        (vec!["--only", "directed/DANCE"], "directed/XFER-3"),
        (vec!["--level", "steered"], "marked at most"),
        (vec!["--script", "begin pair; dance"], "write-one 0"),
        (vec!["--known-failures", "/nowhere"], "/nowhere"),
    ] {
        let output = conform("minimal.py", &more);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 2, "{more:?}: {text}");
        assert!(text.contains(says), "{more:?}: {text}");
    }
}

#[test]
fn known_failures_pass_only_while_they_fail() {
    let directory = std::env::temp_dir().join(format!("syncsplit-known-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let list = directory.join("known.txt");
    std::fs::write(&list, "directed/SYNC-1  # a mark is given in any state\n").unwrap();
    let known = ["--only", "directed/SYNC-1", "--known-failures", list.to_str().unwrap()];
    assert_eq!(code(&conform("defective.py sync-out-of-pair", &known[..2])), 1);
    assert_eq!(code(&conform("defective.py sync-out-of-pair", &known)), 0);
    let passing = conform("minimal.py", &known);
    assert_eq!(code(&passing), 1, "a listed case that passes has to be taken off the list");
    assert!(String::from_utf8_lossy(&passing.stdout).contains("and passing: directed/SYNC-1"));
    for (wrong, says) in [
        ("XFER 3\n", "directed/XFER-3"),
        ("directed/SYNC-1\ndirected/DANCE\n", "no case is directed/DANCE at level marked"),
        ("random/0\n", "no case is random/0"),
    ] {
        std::fs::write(&list, wrong).unwrap();
        let output = conform("minimal.py", &known);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 2, "{wrong:?}: {text}");
        assert!(text.contains(says), "{wrong:?}: {text}");
    }
    // A case that would be done, were more asked for, is no stranger.
    std::fs::write(&list, "random/100000\n").unwrap();
    assert_eq!(code(&conform("minimal.py", &known)), 0);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn reports_are_json_and_junit() {
    let only = ["--only", "directed/SYNC-1", "--format"];
    let broken = "defective.py sync-out-of-pair";
    let report = json(&conform(broken, &[&only[..], &["json"]].concat()));
    assert_eq!(report["cases"][0]["failure"]["rules"][0], "SYNC-1");
    let junit = conform(broken, &[&only[..], &["junit"]].concat());
    let text = String::from_utf8(junit.stdout).unwrap();
    assert!(
        text.contains("<failure message=\"SYNC-1") && text.contains("failures=\"1\""),
        "{text}"
    );
}

#[test]
fn all_that_is_said_is_in_the_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/adapter.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let command = format!("python3 {}/minimal.py", adapters().display());
    let interrupt = Arc::new(AtomicBool::new(false));
    let mut adapter = Adapter::start(&command, Duration::from_secs(10), &interrupt, true).unwrap();
    let how = marked(100);
    for (_, script) in directed::cases().unwrap() {
        run::script(&mut adapter, how, &script, &[]).unwrap();
    }
    let hello = adapter.hello().clone();
    for number in 1..20 {
        let (mut walk, script) = Walk::new(3, number, &hello, how.level);
        let mut next = |session: &Session<'_>, at: usize| walk.next(session, at, how.level);
        run::run(&mut adapter, how, &script, &[], &mut next).unwrap();
    }
    let said = adapter.take_record();
    assert!(said.len() > 500, "{}", said.len());
    for line in said.iter().flat_map(|(request, answer)| [request, answer]) {
        let value: Value = serde_json::from_str(line).unwrap();
        assert!(schema.is_valid(&value), "{line}: {:?}", schema.validate(&value).err());
    }
    for line in [r#"{"id": 1, "op": "dance"}"#, r#"{"id": 1, "op": "write", "block": 0}"#] {
        assert!(!schema.is_valid(&serde_json::from_str(line).unwrap()), "{line}");
    }
    for (line, says) in [
        (r#"{"id": 1}"#, "either \"ok\", an object, or \"error\""),
        (r#"{"id": 1, "ok": {}, "error": {"code": "busy", "definite": true}}"#, "either \"ok\""),
        (r#"{"id": 1, "ok": 1}"#, "ok: "),
        (r#"{"id": 1, "ok": {}, "error": null}"#, "error: null"),
        (r#"{"id": 1, "error": "busy"}"#, "error: "),
        (r#"{"id": 1, "error": {"definite": true}}"#, "error: missing field `code`"),
        (r#"{"id": 1, "error": {"code": "busy"}}"#, "\"definite\""),
        (r#"{"id": 1, "error": {"code": "busy", "definite": true, "text": 1}}"#, "error.text: "),
        (r#"{"id": 1, "ok": {"outcome": "MAYBE"}}"#, "ok.outcome: unknown variant `MAYBE`"),
        (r#"{"id": 1, "ok": {"outcome": null}}"#, "ok.outcome: null"),
        (r#"{"id": 1, "ok": {"frozen": "true"}}"#, "ok.frozen: "),
        (r#"{"id": 1, "ok": {"blocks": ["", 0]}}"#, "ok.blocks[1]: "),
        (r#"{"id": 1, "ok": {"seq": 0.5}}"#, "ok.seq: "),
        (r#"{"id": 1, "ok": {"primary": {"journal": 1}}}"#, "ok.primary.journal: "),
        (r#"{"id": 1, "ok": {"secondary": {"replica": "old"}}}"#, "ok.secondary.replica: "),
        (r#"{"id": 1, "ok": {"database": {"open": -1}}}"#, "ok.database.open: "),
    ] {
        assert!(!schema.is_valid(&serde_json::from_str(line).unwrap()), "{line}");
        let error = Reply::read(line, 1).unwrap_err();
        assert!(error.contains(says), "{line}: {error}");
    }
    let unarmed = r#"{"id": 1, "ok": {"secondary": {"armed": null}}}"#;
    assert!(
        schema.is_valid(&serde_json::from_str(unarmed).unwrap()) && Reply::read(unarmed, 1).is_ok()
    );
}
