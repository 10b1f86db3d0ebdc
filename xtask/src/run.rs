//! Runs a program and keeps what it prints.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::count::{self, TestCount};
use crate::leash;

/// What a step came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepOutcome {
    /// Tests, or steps without tests, that passed.
    pub(crate) passed: u64,
    /// Those that failed.
    pub(crate) failed: u64,
    /// The tests by program.
    pub(crate) parts: Vec<TestCount>,
    /// What to print when it failed.
    pub(crate) output: String,
    /// What to print when it passed.
    pub(crate) shown: String,
}

impl StepOutcome {
    /// One thing that failed, and why.
    pub(crate) fn failure(why: impl Into<String>) -> Self {
        Self { failed: 1, output: why.into(), ..Self::default() }
    }

    /// Both, one after the other.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failed += other.failed;
        self.parts.extend(other.parts);
        self.output.push_str(&other.output);
        self.shown.push_str(&other.shown);
        self
    }
}

impl From<Result<String, String>> for StepOutcome {
    fn from(result: Result<String, String>) -> Self {
        match result {
            Ok(shown) => Self { passed: 1, shown, ..Self::default() },
            Err(why) => Self::failure(why),
        }
    }
}

/// Whether the output of a program that did as expected is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Only when it failed.
    OnFailure,
    /// What it printed on stdout.
    Stdout,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = held(cargo_path());
    command.args(arguments).current_dir(root());
    command
}

/// The same, out of the way of what waits.
pub(crate) fn niced_cargo(arguments: &[&str]) -> Command {
    let mut command = niced(Path::new(&cargo_path()));
    command.args(arguments).current_dir(root());
    command
}

/// A program that ends with this process.
pub(crate) fn held(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    leash::hold(&mut command);
    command
}

fn cargo_path() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// A program that leaves the processor to whatever else wants it, so that a test that waits is not kept waiting.
pub(crate) fn niced(program: &Path) -> Command {
    if !cfg!(unix) {
        return held(program);
    }
    let mut command = held("nice");
    command.args(["-n", "10"]).arg(program);
    command
}

/// What a program printed, and how it ended.
pub(crate) struct ProgramOutput {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed on stdout.
    pub(crate) stdout: String,
    /// What it printed on stderr.
    pub(crate) stderr: String,
}

/// Runs `command` to its end.
///
/// # Errors
/// The command could not be started.
pub(crate) fn end_of(command: &mut Command) -> Result<ProgramOutput, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|error| format!("{name} could not be started: {error}"))?;
    let stderr = child.stderr.take().map(|pipe| thread::spawn(move || text(pipe)));
    let stdout = child.stdout.take().map(text).unwrap_or_default();
    let stderr = stderr.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let status =
        child.wait().map_err(|error| format!("{name} could not be waited for: {error}"))?;
    Ok(ProgramOutput { code: status.code(), stdout, stderr })
}

fn text(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    // A pipe that breaks ends the text; how the program ended is told by its status.
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs `command`, expects exit code `expected`, and counts the tests it reports; without any it counts as one.
pub(crate) fn outcome(command: &mut Command, expected: i32, show: Show) -> StepOutcome {
    let ended = match end_of(command) {
        Ok(ended) => ended,
        Err(why) => return StepOutcome::failure(why),
    };
    let parts = count::parts(&ended.stdout, &ended.stderr);
    let shown = if show == Show::Stdout { ended.stdout.clone() } else { String::new() };
    let mut outcome = counted(command, ended, parts, expected);
    // A command that runs no test is one thing that passes.
    outcome.passed += u64::from(outcome.passed + outcome.failed == 0);
    StepOutcome { shown, ..outcome }
}

/// Runs a program of tests, which is called `name` when they are counted.
pub(crate) fn tests(command: &mut Command, name: &str) -> StepOutcome {
    match end_of(command) {
        Ok(ended) => {
            let parts = count::of_program(name, &ended.stdout);
            counted(command, ended, parts, 0)
        }
        Err(why) => StepOutcome::failure(why),
    }
}

fn counted(
    command: &Command,
    ended: ProgramOutput,
    parts: Vec<TestCount>,
    expected: i32,
) -> StepOutcome {
    let passed = parts.iter().map(|part| part.passed).sum();
    let failed: u64 = parts.iter().map(|part| part.failed).sum();
    // A program that ends badly without a failed test did not get so far, or died.
    let died = u64::from(ended.code != Some(expected) && failed == 0);
    let code = ended.code.map_or("a signal".into(), |code| format!("exit code {code}"));
    let output = format!(
        "{}\n{}{}ended by {code}, expected exit code {expected}\n",
        words(command),
        ended.stderr,
        ended.stdout
    );
    let output = if failed + died == 0 { String::new() } else { output };
    StepOutcome { passed, failed: failed + died, parts, output, shown: String::new() }
}

/// A suite that has become empty says nothing, so it is no success.
pub(crate) fn some_tests(outcome: StepOutcome) -> StepOutcome {
    let is_empty = outcome.parts.iter().all(|part| part.passed + part.failed == 0);
    if is_empty && outcome.failed == 0 { StepOutcome::failure("no test was run") } else { outcome }
}

/// The command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("$ {}", words.join(" "))
}
