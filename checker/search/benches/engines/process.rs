//! One run in a process of its own, and what the process says of it.
//!
//! Never here: which engine runs.

use super::subject::Subject;
use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;
use std::time::Instant;

/// What a run counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) states: u64,
    pub(crate) steps: u64,
}

impl FromStr for Counted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let both = text.split_once(',').and_then(|(states, steps)| {
            Some(Self { states: states.parse().ok()?, steps: steps.parse().ok()? })
        });
        both.ok_or_else(|| format!("{text:?} is not two numbers with a comma between them"))
    }
}

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) states: u64,
    pub(crate) steps: u64,
    pub(crate) seconds: f64,
    /// The peak of resident memory beyond what the process had before; 0 if it is not known.
    pub(crate) bytes: u64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, seconds, bytes } = self;
        write!(f, "{states} {steps} {seconds} {bytes}")
    }
}

/// Measures a run in this process.
pub(crate) fn measure(run: impl FnOnce() -> Result<Counted, String>) -> Result<Measured, String> {
    let base = status_bytes("VmRSS:");
    let began = Instant::now();
    let Counted { states, steps } = run()?;
    let seconds = began.elapsed().as_secs_f64();
    let bytes = status_bytes("VmHWM:").saturating_sub(base);
    Ok(Measured { states, steps, seconds, bytes })
}

/// Has another process of this program do the run; `like` is what this engine counted, if it has been told.
pub(crate) fn run_one(
    name: &str,
    subject: Subject,
    like: Option<Counted>,
) -> Result<Measured, String> {
    let this = env::current_exe().map_err(|why| format!("this program is not found: {why}"))?;
    let mut command = Command::new(this);
    command.args(["--one", name, "--on", &subject.to_string()]);
    if let Some(Counted { states, steps }) = like {
        command.args(["--like", &format!("{states},{steps}")]);
    }
    let said = said_by(&mut command)?;
    let mut words = said.split_whitespace();
    let mut next = || words.next().ok_or_else(|| format!("{name} said only {said:?}"));
    let bad = |word: &str| format!("{name} said {word:?} for a number");
    let whole = |word: &str| word.parse::<u64>().map_err(|_| bad(word));
    let states = whole(next()?)?;
    let steps = whole(next()?)?;
    let seconds = next()?;
    let seconds = seconds.parse().map_err(|_| bad(seconds))?;
    let bytes = whole(next()?)?;
    Ok(Measured { states, steps, seconds, bytes })
}

/// What a program prints, if it ends well.
pub(crate) fn said_by(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|why| format!("{name} does not start: {why}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{name} ended with {}: {complaint}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A folder for what the comparison leaves behind.
pub(crate) fn scratch() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("engines");
    // Whoever writes there says what is wrong with it.
    let _ = fs::create_dir_all(&folder);
    folder
}

/// Only Linux has this file; elsewhere memory is not compared.
fn status_bytes(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.unwrap_or(0) * 1024
}
