//! `cargo xtask`: the one front door, for a person and for CI alike. What is run is listed in [`steps`]; nothing is
//! checked here.
#![forbid(unsafe_code)]

mod bench;
mod count;
mod mutants;
mod no_std;
mod packages;
mod pinned;
mod run;
mod servers;
mod steps;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::run::Outcome;
use crate::steps::{Needs, STEPS, Step};

/// Builds, checks and tests the whole repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every step, and end with the line `N passed, N failed`
    Test {
        /// Run only this step; may be given again
        #[arg(long, value_name = "STEP", value_parser = names())]
        only: Vec<String>,
    },
    /// List the steps
    List,
    /// Rewrite what is pinned by what the checks come to now, but for `nightly`: tests/pinned.toml,
    /// checker/ablations.toml, checker/matrix.toml, docs/ablation.md and docs/matrix.md
    Pin,
    /// Check the instance `nightly` against what is pinned, reductions of large checks, and `mutants`; takes an hour and 10 GiB, so
    /// `test` leaves it out
    Nightly {
        /// Rewrite what is pinned instead
        #[arg(long)]
        pin: bool,
    },
    /// Rewrite tests/kills.toml and docs/kill-matrix.md by every case about each seeded defect; takes some
    /// ten minutes, and one or two for one implementation at one level
    Kills {
        /// Only this implementation's rows; may be given again
        #[arg(long, value_name = "NAME", value_parser = ["syncsplit-impl", "minimal.py"])]
        of: Vec<String>,
        /// Only this level's rows; may be given again
        #[arg(long, value_name = "LEVEL", value_parser = ["steered", "marked", "black-box"])]
        level: Vec<String>,
    },
    /// Apply each patch of tests/mutants to a copy of the tree, and see the test fail that finds it; `nightly` does so too
    Mutants,
    /// Rewrite docs/ablation.md and docs/matrix.md
    DocsGenerate,
    /// Compare the engines' time and memory; takes a quiet machine and some minutes
    Bench {
        /// For the comparison; `cargo xtask bench -- --help` lists them
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(STEPS.iter().map(|step| step.name))
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Test { only } => test(&only),
        Command::List => {
            for step in STEPS {
                println!("{:14}  {}", step.name, step.says);
            }
            ExitCode::SUCCESS
        }
        Command::Pin => rewrite(&steps::pin()),
        Command::Nightly { pin } => rewrite(&steps::nightly(pin)),
        Command::Kills { of, level } => rewrite(&steps::kills(&of, &level)),
        Command::Mutants => rewrite(&mutants::are_found()),
        Command::DocsGenerate => rewrite(&steps::docs_generate()),
        Command::Bench { arguments } => bench::run(&arguments),
    }
}

fn rewrite(outcome: &Outcome) -> ExitCode {
    print_indented(if outcome.failed == 0 { &outcome.shown } else { &outcome.output });
    exit_code(outcome.failed)
}

fn exit_code(failed: u64) -> ExitCode {
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A step's name, how long it took, what it came to.
type Row = (&'static str, Duration, Outcome);

fn test(only: &[String]) -> ExitCode {
    let is_wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    let wanted: Vec<&Step> = STEPS.iter().filter(is_wanted).collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut is_missing = false;
    if wanted.iter().any(|step| step.needs == Needs::Packages) {
        rows.push(timed("packages", "found, or installed", || servers::ensure().into()));
        is_missing = rows.iter().any(|row| row.2.failed > 0);
    }
    for step in wanted {
        rows.push(timed(step.name, step.says, || match step.needs {
            Needs::Packages if is_missing => {
                Outcome::failure("not run, since a package is missing")
            }
            Needs::Packages | Needs::Toolchain => (step.run)(),
        }));
    }
    summary(&rows)
}

fn timed(name: &'static str, says: &str, run: impl FnOnce() -> Outcome) -> Row {
    println!("==> {name}: {says}");
    let begin = Instant::now();
    let outcome = run();
    let seconds = begin.elapsed();
    if outcome.failed > 0 {
        print_indented(&outcome.output);
    } else {
        print_indented(&outcome.shown);
    }
    let verdict = if outcome.failed == 0 { "ok" } else { "FAILED" };
    println!("==> {name}: {verdict}, {:.1} s\n", seconds.as_secs_f64());
    (name, seconds, outcome)
}

fn print_indented(text: &str) {
    for line in text.lines() {
        println!("    {line}");
    }
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
    exit_code(failed)
}
