//! Runs steps: some first, then those that compute beside those that wait, and says what they came to.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::bless::Part;
use crate::count;
use crate::install::{self, Purpose};
use crate::mutants;
use crate::programs::{self, BUILD, Program, WHOLE};
use crate::run::{Outcome, Show, cargo, outcome, some_tests};
use crate::steps::{BUILT, In, Lane, Step};

/// A step's name, how long it took, what it came to.
type Row = (&'static str, Duration, Outcome);

/// Runs `steps`, and ends with the line `N passed, N failed`.
pub(crate) fn run(steps: &[&Step]) -> ExitCode {
    let of = |lane| steps.iter().filter(move |step| step.lane == lane);
    let rows: Mutex<Vec<Row>> = Mutex::default();
    let keep = |row| rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    for step in of(Lane::First) {
        keep(timed(step.name, step.says, || (step.run)(&[])));
    }
    if steps.iter().any(|step| step.lane != Lane::First) {
        let waits = steps.iter().any(|step| step.lane == Lane::Waits && step.within == In::Test);
        let purpose = if waits { Purpose::Test } else { Purpose::All };
        match prepare(purpose, &keep) {
            Some(programs) => side_by_side(&programs, &of, &keep),
            None => of(Lane::Computes).chain(of(Lane::Waits)).for_each(|step| {
                let why = "not run, since something is missing";
                keep((step.name, Duration::ZERO, Outcome::failure(why)));
            }),
        }
    }
    summary(&rows.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Installs what is missing, and builds everything.
fn prepare(purpose: Purpose, keep: &impl Fn(Row)) -> Option<Vec<Program>> {
    let installed = timed("install", "what Debian has is found, or installed", || {
        install::ensure(purpose).into()
    });
    let is_there = installed.2.failed == 0;
    keep(installed);
    if !is_there {
        return None;
    }
    let mut built = None;
    let (name, says, _) = BUILT;
    keep(timed(name, says, || match programs::build() {
        Ok(programs) => {
            built = Some(programs);
            Outcome { passed: 1, ..Outcome::default() }
        }
        Err(why) => Outcome::failure(why),
    }));
    built
}

fn side_by_side<'a, I: Iterator<Item = &'a &'a Step>>(
    programs: &[Program],
    of: &(impl Fn(Lane) -> I + Sync),
    keep: &(impl Fn(Row) + Sync),
) {
    let lane = |lane| {
        of(lane).for_each(|step| keep(timed(step.name, step.says, || (step.run)(programs))));
    };
    thread::scope(|scope| {
        scope.spawn(|| lane(Lane::Waits));
        lane(Lane::Computes);
    });
}

/// Rewrites `parts`, one after the other.
pub(crate) fn each<'a>(parts: impl Iterator<Item = &'a Part>, of: &str) -> ExitCode {
    let rows: Vec<Row> = parts.map(|part| timed(part.name, part.says, || part.run(of))).collect();
    summary(&rows)
}

/// What `test` has no time for.
pub(crate) fn nightly() -> ExitCode {
    let tests = ["--test", WHOLE, "--", "pinned::nightly_", "reductions::", "--ignored"];
    let arguments = [&["test"], BUILD, &tests, &["--nocapture", "--test-threads=1"]].concat();
    let says = "`nightly`, and reductions of large checks";
    let checked =
        timed("nightly", says, || some_tests(outcome(&mut cargo(&arguments), 0, Show::Stdout)));
    summary(&[checked, found()])
}

/// Whether each patch of tests/mutants is found.
pub(crate) fn mutants() -> ExitCode {
    summary(&[found()])
}

fn found() -> Row {
    timed("mutants", "each patch of tests/mutants is found by its test", mutants::are_found)
}

fn timed(name: &'static str, says: &str, run: impl FnOnce() -> Outcome) -> Row {
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
        let Outcome { passed, failed, .. } = outcome;
        println!("{name:44}  {passed:6}  {failed:6}  {:8.1}", time.as_secs_f64());
        for part in &outcome.parts {
            let count::Part { name, passed, failed, seconds } = part;
            println!("  {name:42}  {passed:6}  {failed:6}  {seconds:8.1}");
        }
    }
    let passed: u64 = rows.iter().map(|(_, _, outcome)| outcome.passed).sum();
    let failed: u64 = rows.iter().map(|(_, _, outcome)| outcome.failed).sum();
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
