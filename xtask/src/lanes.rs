//! Runs steps: some first, then those that compute beside those that wait, and says what they came to.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::bless::Blessing;
use crate::count;
use crate::install::{self, Purpose};
use crate::mutants;
use crate::named;
use crate::programs::{self, BENCH, BUILD, Program, WHOLE};
use crate::run::{Show, StepOutcome, cargo, outcome, some_tests};
use crate::steps::{BUILT, In, Lane, Step};

/// A step's name, how long it took, what it came to.
type Row = (String, Duration, StepOutcome);

/// Runs `steps`, and ends with the line `N passed, N failed`.
pub(crate) fn run(steps: &[Step]) -> ExitCode {
    let (first, others): (Vec<Step>, Vec<Step>) =
        steps.iter().copied().partition(|step| step.when().1 == Lane::First);
    let rows: Mutex<Vec<Row>> = Mutex::default();
    let keep = |row| rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    let run = |step: &Step, programs: &[Program]| keep(timed(named(step), || step.run(programs)));
    first.iter().for_each(|step| run(step, &[]));
    if !others.is_empty() {
        let is_in_test = |step: &Step| matches!(step.when(), (In::Test, Lane::Waits, _));
        let needs_servers = others.iter().any(is_in_test);
        let purpose = if needs_servers { Purpose::Test } else { Purpose::All };
        if let Some(programs) = prepare(purpose, &keep) {
            let lane = |lane| others.iter().filter(move |step| step.when().1 == lane);
            thread::scope(|scope| {
                scope.spawn(|| lane(Lane::Waits).for_each(|step| run(step, &programs)));
                lane(Lane::Computes).for_each(|step| run(step, &programs));
            });
        } else {
            for step in &others {
                let why = "not run, since something is missing";
                keep((named(step).0, Duration::ZERO, StepOutcome::failure(why)));
            }
        }
    }
    summary(&rows.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Installs what is missing, and builds everything.
fn prepare(purpose: Purpose, keep: &impl Fn(Row)) -> Option<Vec<Program>> {
    let says = "what Debian has is found, or installed";
    let installed = timed(("install", says), || install::ensure(purpose).into());
    let is_there = installed.2.failed == 0;
    keep(installed);
    if !is_there {
        return None;
    }
    let mut built = None;
    let (name, says, _) = BUILT;
    keep(timed((name, says), || match programs::build() {
        Ok(programs) => {
            built = Some(programs);
            StepOutcome { passed: 1, ..StepOutcome::default() }
        }
        Err(why) => StepOutcome::failure(why),
    }));
    built
}

/// Rewrites `parts`, one after the other.
pub(crate) fn each(parts: impl Iterator<Item = Blessing>, of: &str) -> ExitCode {
    let rows: Vec<Row> = parts.map(|part| timed(named(&part), || part.run(of))).collect();
    summary(&rows)
}

/// What `test` has no time for.
pub(crate) fn nightly() -> ExitCode {
    let tests = ["pinned::nightly_", "reductions::", "liberties::nightly_", "--ignored"];
    let whole = ["--test", WHOLE, "--"];
    let shown = ["--nocapture", "--test-threads=1"];
    let arguments = [&["test"], BUILD, &whole, &tests, &shown].concat();
    let run = || some_tests(outcome(&mut cargo(&arguments), 0, Show::Stdout));
    let checked = timed(
        ("nightly", "`nightly`, reductions of large checks, and what is no false alarm of the kit"),
        run,
    );
    summary(&[checked, found()])
}

/// Whether each patch of tests/mutants is found.
pub(crate) fn mutants() -> ExitCode {
    summary(&[found()])
}

fn found() -> Row {
    timed(("mutants", "each patch of tests/mutants is found by its test"), mutants::are_found)
}

/// Compares the engines by a program that takes `arguments`; whether it ended well.
///
/// # Errors
/// What the comparison needs could not be installed, or cargo does not start.
pub(crate) fn bench(arguments: &[String]) -> Result<bool, String> {
    print!("{}", install::ensure(Purpose::Bench)?);
    let mut command = cargo(&[&["bench"], BENCH].concat());
    let status = command.arg("--").args(arguments).status();
    status.map(|status| status.success()).map_err(|why| format!("cargo does not start: {why}"))
}

fn timed(
    (name, says): (impl Into<String>, impl Display),
    run: impl FnOnce() -> StepOutcome,
) -> Row {
    let name = name.into();
    println!("==> {name}: {says}");
    let begin = Instant::now();
    let outcome = run();
    let time = begin.elapsed();
    let text = if outcome.failed > 0 { &outcome.output } else { &outcome.shown };
    let verdict = if outcome.failed == 0 { "ok" } else { "FAILED" };
    let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
    println!("{lines}==> {name}: {verdict}, {:.1} s\n", time.as_secs_f64());
    (name, time, outcome)
}

fn summary(rows: &[Row]) -> ExitCode {
    println!("{:44}  {:>6}  {:>6}  {:>8}", "step", "passed", "failed", "seconds");
    for (name, time, outcome) in rows {
        let StepOutcome { passed, failed, .. } = outcome;
        println!("{name:44}  {passed:6}  {failed:6}  {:8.1}", time.as_secs_f64());
        for part in &outcome.parts {
            let count::TestCount { name, passed, failed, seconds } = part;
            println!("  {name:42}  {passed:6}  {failed:6}  {seconds:8.1}");
        }
    }
    let passed: u64 = rows.iter().map(|(_, _, outcome)| outcome.passed).sum();
    let failed: u64 = rows.iter().map(|(_, _, outcome)| outcome.failed).sum();
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
