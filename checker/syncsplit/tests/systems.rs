//! Real servers behind their adapters: each row of `docs/systems.md` is found again, and no server outlives its adapter.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use syncsplit_conform::leash::Leash;

/// How long a server may take to be gone once its adapter is.
const GONE: Duration = Duration::from_secs(60);
/// How often a script is tried, since what a server does by itself is a matter of chance.
const TRIES: usize = 40;

/// What `docs/systems.md` says of one adapter at one level.
#[derive(Debug)]
struct Row {
    adapter: String,
    level: String,
    /// The rule that it breaks, and a script that shows it.
    broken: Option<(String, String)>,
}

/// The rows for one adapter: `| adapter | level | conforms |`, or `| adapter | level | breaks RULE: script |`.
fn rows(of: &str) -> Vec<Row> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/systems.md");
    let page = fs::read_to_string(page).unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut rows = Vec::new();
    for line in page.lines().filter(|line| line.starts_with(&format!("| `{of}"))) {
        let cells = cells(line);
        let (adapter, level, found) = (cells[1].clone(), cells[2].clone(), &cells[3]);
        let broken = found.strip_prefix("breaks ").map(|rest| {
            let (rule, script) = rest.split_once(": ").unwrap();
            (rule.to_owned(), script.trim_matches('`').to_owned())
        });
        assert!(broken.is_some() || found == "conforms", "{line}");
        rows.push(Row { adapter, level, broken });
    }
    assert!(rows.len() >= 4, "docs/systems.md has {} rows for {of}", rows.len());
    rows
}

/// A folder of one run's own, in which the adapter makes its own; removed at the end. And when it was made.
struct Place(PathBuf, SystemTime);

impl Place {
    fn new() -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let place = std::env::temp_dir().join(format!("syncsplit-{}-{run}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        Self(place, SystemTime::now())
    }

    /// Processes that have this folder on their command line, or are in it.
    fn processes(&self) -> Vec<String> {
        let place = self.0.to_str().unwrap();
        let mut found = Vec::new();
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let directory = fs::read_link(process.path().join("cwd")).unwrap_or_default();
            if line.contains(place) || directory.starts_with(place) {
                found.push(line);
            }
        }
        found
    }

    /// Segments of shared memory that came after this folder, are in use by no process, and whose maker is no more.
    fn segments(&self) -> Vec<String> {
        let began = self.1.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let table = fs::read_to_string("/proc/sysvipc/shm").unwrap();
        let (names, rows) = table.split_once('\n').unwrap();
        let names: Vec<_> = names.split_whitespace().collect();
        let is_left = |row: &&str| {
            let cells: Vec<u64> =
                row.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
            let cell = |name| cells[names.iter().position(|held| *held == name).unwrap()];
            let has_maker = Path::new(&format!("/proc/{}", cell("cpid"))).exists();
            cell("ctime") >= began && cell("nattch") == 0 && !has_maker
        };
        rows.lines().filter(is_left).map(str::to_owned).collect()
    }

    /// Waits until no process, no file and no shared memory is left. A process that is being started cannot be told yet, so
    /// it is looked again and again.
    fn is_left(&self) {
        let (begin, mut empty) = (Instant::now(), 0);
        loop {
            let (processes, segments) = (self.processes(), self.segments());
            let files = fs::read_dir(&self.0).unwrap().count();
            if processes.is_empty() && segments.is_empty() && files == 0 {
                empty += 1;
                if empty > 10 {
                    return;
                }
            }
            let left = format!("{processes:?}, {files} folders and {segments:?} are left");
            assert!(begin.elapsed() < GONE, "{left}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The adapter's command. A server that is missing is an error, with a word on where it comes from.
fn command(adapter: &str) -> String {
    for (system, is_there, package) in [
        ("redis.py", "command -v redis-server", "redis-server"),
        ("postgres.py", "ls /usr/lib/postgresql/*/bin/initdb || command -v initdb", "postgresql"),
        ("qemu.py", "command -v qemu-storage-daemon", "qemu-system-common"),
        ("qemu.py", "/usr/bin/python3 -c 'import nbd'", "python3-libnbd"),
    ] {
        if adapter.starts_with(system) {
            let asked = Command::new("sh").args(["-c", is_there]).output().unwrap();
            let hint = "`cargo xtask test` installs it as root; by hand: apt-get install";
            assert!(asked.status.success(), "{system} needs {package}: {hint} {package}");
        }
    }
    format!("{}/../adapters/{adapter}", env!("CARGO_MANIFEST_DIR"))
}

/// `syncsplit conform` of an adapter; nothing is left of it.
fn conform(adapter: &str, more: &[&str]) -> Output {
    let place = Place::new();
    let mut conform = Command::new(env!("CARGO_BIN_EXE_syncsplit"));
    conform.args(["conform", "--adapter", &command(adapter), "--time-limit", "60s"]).args(more);
    let leash = Leash::new().unwrap();
    leash.hold(&mut conform);
    let output = conform.env("TMPDIR", &place.0).output().unwrap();
    place.is_left();
    output
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Every row for one adapter is found again.
fn finds_what_the_page_says(of: &str, sync: &str) {
    for row in rows(of) {
        let Row { adapter, level, broken } = &row;
        let common = ["--level", level, "--sync-timeout", sync, "--format", "json"];
        let Some((rule, script)) = broken else {
            let more = ["--only", "directed", "--only", "random", "--cases", "6"];
            let output = conform(adapter, &[&common[..], &more].concat());
            let report = report(&output);
            assert_eq!(output.status.code(), Some(0), "{row:?}: {report:#}");
            let verdict = |rule: &str| {
                let rules = report["rules"].as_array().unwrap();
                rules.iter().find(|row| row["rule"] == rule).unwrap()["verdict"].clone()
            };
            for rule in ["WRITE-1", "FREEZE-1", "FREEZE-3"] {
                assert_eq!(verdict(rule), "pass", "{row:?}: {rule}");
            }
            continue;
        };
        let blames = |output: &Output| {
            let report = report(output);
            let cases = report["cases"].as_array().unwrap();
            let failures = cases.iter().filter_map(|case| case["failure"]["rules"].as_array());
            failures.flatten().any(|blamed| blamed == rule.as_str())
        };
        let is_seen = (0..TRIES).any(|_| {
            let output = conform(adapter, &[&common[..], &["--script", script]].concat());
            assert!(matches!(output.status.code(), Some(0 | 1)), "{row:?}: {:#}", report(&output));
            output.status.code() == Some(1) && blames(&output)
        });
        assert!(is_seen, "{row:?}: not in {TRIES} runs of its script");
    }
}

#[test]
fn redis_does_what_the_page_says() {
    finds_what_the_page_says("redis.py", "600ms");
}

#[test]
fn postgres_does_what_the_page_says() {
    finds_what_the_page_says("postgres.py", "300ms");
}

#[test]
fn qemu_does_what_the_page_says() {
    finds_what_the_page_says("qemu.py", "300ms");
}

/// An adapter that is spoken to line by line; every line is held to the schema. It is killed at the end.
struct Spoken {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    schema: jsonschema::Validator,
    asked: u64,
}

impl Spoken {
    fn start(adapter: &str, place: &Place) -> Self {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/adapter.schema.json");
        let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
        let mut start = Command::new("sh");
        // A shell without job control has whatever it runs in the background ignore these.
        let ignoring = format!("trap '' INT QUIT; exec {}", command(adapter));
        start.args(["-c", &ignoring]).env("TMPDIR", &place.0);
        start.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = start.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, schema: jsonschema::validator_for(&schema).unwrap(), asked: 0 }
    }

    fn ask(&mut self, mut request: Value) -> Value {
        self.asked += 1;
        request["id"] = self.asked.into();
        writeln!(self.child.stdin.as_mut().unwrap(), "{request}").unwrap();
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("{request}: {error}: {line:?}");
        });
        for said in [&request, &answer] {
            assert!(self.schema.is_valid(said), "{said}: {:?}", self.schema.validate(said).err());
        }
        answer
    }
}

impl Spoken {
    /// Kills the adapter and all that is in its group, as the kit does.
    fn kill_group(self) {
        let group = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

impl Drop for Spoken {
    /// Only the adapter itself: its servers have to notice.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends the busy thread, however the test ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Kills an adapter that takes so many milliseconds to start, or all of its group, at moments by chance while it starts and
/// one core is busy. Nothing is left.
fn is_killed(adapter: &str, start: u32, kills: u32) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let _over = Over(&over);
        for kill in 0..kills {
            let place = Place::new();
            let chance = place.1.duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
            let moment = start * (kill * 1000 + chance % 1000) / (kills * 1000);
            println!("{adapter} is killed after {moment} ms");
            let spoken = Spoken::start(adapter, &place);
            thread::sleep(Duration::from_millis(moment.into()));
            if kill % 2 == 0 {
                spoken.kill_group()
            } else {
                drop(spoken)
            }
            place.is_left();
        }
    });
}

#[test]
fn nothing_is_left_of_redis_that_is_killed_while_it_starts() {
    is_killed("redis.py", 1000, 12);
}

#[test]
fn nothing_is_left_of_postgres_that_is_killed_while_it_starts() {
    is_killed("postgres.py", 8000, 12);
}

#[test]
fn nothing_is_left_of_qemu_that_is_killed_while_it_starts() {
    is_killed("qemu.py", 1000, 8);
}

#[test]
fn servers_end_with_an_adapter_that_is_killed_and_what_is_said_is_in_the_schema() {
    for adapter in ["redis.py", "postgres.py", "qemu.py --copy-mode write-blocking"] {
        let place = Place::new();
        let mut spoken = Spoken::start(adapter, &place);
        let hello = spoken.ask(json!({ "op": "hello", "protocol": 1 }));
        let can = |op: &str| hello["ok"]["capabilities"].as_array().unwrap().contains(&op.into());
        spoken.ask(json!({
            "op": "init", "blocks": 2, "journal": 2, "journal_full": "hold", "hold": "database",
            "start": "pair", "p_vol": ["begin", "begin"], "sp_vol": ["begin", "begin"],
            "level": "marked", "seed": 1,
        }));
        let write = json!({ "op": "write", "block": 0, "data": "one", "transaction": "whole" });
        assert_eq!(spoken.ask(write.clone())["ok"], json!({}));
        spoken.ask(json!({ "op": "arm", "backup": 1 }));
        assert_eq!(spoken.ask(json!({ "op": "freeze", "backup": 1 }))["ok"]["frozen"], true);
        assert_eq!(spoken.ask(write)["error"]["code"], "frozen");
        let mark = spoken.ask(json!({ "op": "mark" }))["ok"].clone();
        assert_eq!(mark, json!({ "incarnation": 1, "seq": 1 }));
        let sync = json!({ "op": "sync", "timeout_ms": 5000, "incarnation": 1, "seq": 1 });
        assert_eq!(spoken.ask(sync)["ok"]["outcome"], "DONE");
        assert_eq!(spoken.ask(json!({ "op": "split", "backup": 1 }))["ok"]["done"], true);
        assert_eq!(spoken.ask(json!({ "op": "thaw", "backup": 1 }))["ok"]["held"], true);
        let image = spoken.ask(json!({ "op": "backup", "backup": 1 }))["ok"]["blocks"].clone();
        assert_eq!(image, json!(["one", "begin"]), "{adapter}");
        spoken.ask(json!({ "op": "status" }));
        assert_eq!(spoken.ask(json!({ "op": "resync" }))["error"]["code"], "unsupported");
        assert_eq!(can("link-down"), !adapter.starts_with("qemu"), "{adapter}");
        if can("link-down") {
            spoken.ask(json!({ "op": "link-down" }));
        }
        let servers = place.processes();
        assert!(servers.len() >= 3, "{adapter}: two servers, and who clears up: {servers:?}");
        drop(spoken);
        place.is_left();
    }
}
