//! `cargo xtask`: the one front door, for a person and for CI alike. What is run is listed in [`steps`], what is rewritten in
//! [`bless`]; nothing is checked here.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

mod bless;
mod count;
mod install;
mod lanes;
mod leash;
mod mutants;
mod no_std;
mod pinned;
mod programs;
mod run;
mod steps;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::bless::Blessing;
use crate::steps::{BUILT, In, Step};

/// Builds, checks and tests the whole repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run what is to be green before a commit: under two minutes once all is built
    Quick,
    /// Run every step, and end with the line `N passed, N failed`
    Test {
        /// Run only this step; may be given again
        #[arg(long, value_name = "STEP")]
        only: Vec<Step>,
    },
    /// Rewrite what was found by what is found now: pinned counts, tables, snapshots, traces and pages; read the difference
    /// before it is committed
    Bless {
        /// Rewrite only this part; may be given again. `list` names those that are rewritten only then
        #[arg(long, value_name = "PART")]
        only: Vec<Blessing>,
        /// Of `kills` only the rows of this implementation or level; may be given again
        #[arg(long, value_name = "NAME", requires = "only", value_parser = KILLS)]
        of: Vec<String>,
    },
    /// Check the instance `nightly` against what is pinned, reductions of large checks, a thousand runs of the kit with each
    /// liberty that SPEC.md leaves, and `mutants`; takes two hours and 10 GiB, so `test` leaves it out
    Nightly,
    /// Apply each patch of tests/mutants to a copy of the tree, and see the test fail that finds it; `nightly` does so too
    Mutants,
    /// Compare the engines' time and memory; takes a quiet machine and some minutes
    Bench {
        /// For the comparison; `cargo xtask bench -- --help` lists them
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// List the steps of `test` and `quick`, and the parts of `bless`, with their usual time on two quiet cores
    List,
}

/// Implementations and levels of the kill matrix.
const KILLS: [&str; 5] = ["syncsplit-impl", "minimal.py", "steered", "marked", "black-box"];

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Quick => lanes::run(&chosen(|step| step.when().0 != In::Test)),
        Command::Test { only } if only.is_empty() => {
            lanes::run(&chosen(|step| step.when().0 != In::Quick))
        }
        Command::Test { only } => lanes::run(&chosen(|step| only.contains(&step))),
        Command::Bless { only, of } => {
            let is_wanted =
                |part: Blessing| only.contains(&part) || only.is_empty() && !part.is_by_name();
            let parts = Blessing::value_variants().iter().copied();
            let of = if of.is_empty() { "1".into() } else { of.join(",") };
            lanes::each(parts.filter(|part| is_wanted(*part)), &of)
        }
        Command::Nightly => lanes::nightly(),
        Command::Mutants => lanes::mutants(),
        Command::Bench { arguments } => match lanes::bench(&arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(why) => {
                eprintln!("error: {why}");
                ExitCode::FAILURE
            }
        },
        Command::List => {
            list();
            ExitCode::SUCCESS
        }
    }
}

fn chosen(is_wanted: impl Fn(Step) -> bool) -> Vec<Step> {
    Step::value_variants().iter().copied().filter(|step| is_wanted(*step)).collect()
}

/// The name of a step or part on the command line, and its line.
fn named(value: &impl ValueEnum) -> (String, String) {
    let value = value.to_possible_value().unwrap_or_default();
    (value.get_name().into(), value.get_help().map(ToString::to_string).unwrap_or_default())
}

fn list() {
    let line = |(name, says): (String, String), usual: u32, hint: &str| {
        println!("{name:16}  {usual:5} s  {says}{hint}");
    };
    println!(
        "Steps of `test`; the seconds are those of one whole run from a fresh clone, on two quiet cores:"
    );
    let (name, says, usual) = BUILT;
    line((name.into(), says.into()), usual, "");
    for step in Step::value_variants() {
        let (within, _, usual) = step.when();
        let hint = match within {
            In::Test => "",
            In::Quick => " (`quick` alone)",
            In::Both => " (in `quick` too)",
        };
        line(named(step), usual, hint);
    }
    println!("\nParts of `bless`:");
    for part in Blessing::value_variants() {
        let hint = if part.is_by_name() { " (only when it is named)" } else { "" };
        line(named(part), part.usual(), hint);
    }
}
