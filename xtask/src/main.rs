//! `cargo xtask`: the one front door, for a person and for CI alike. What is run is listed in [`steps`], what is rewritten in
//! [`bless`]; nothing is checked here.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

mod bench;
mod bless;
mod count;
mod install;
mod lanes;
mod mutants;
mod no_std;
mod pinned;
mod programs;
mod run;
mod steps;

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::bless::{PARTS, Part};
use crate::steps::{BUILT, In, STEPS, Step};

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
        #[arg(long, value_name = "STEP", value_parser = names(STEPS.iter().map(|step| step.name)))]
        only: Vec<String>,
    },
    /// Rewrite what was found by what is found now: pinned counts, tables, snapshots, traces and pages; read the difference
    /// before it is committed
    Bless {
        /// Rewrite only this part; may be given again. `list` names those that are rewritten only then
        #[arg(long, value_name = "PART", value_parser = names(PARTS.iter().map(|part| part.name)))]
        only: Vec<String>,
        /// Of `kills` only the rows of this implementation or level; may be given again
        #[arg(long, value_name = "NAME", requires = "only", value_parser = KILLS)]
        of: Vec<String>,
    },
    /// Check the instance `nightly` against what is pinned, reductions of large checks, and `mutants`; takes an hour and
    /// 10 GiB, so `test` leaves it out
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

fn names(names: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(names)
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Quick => lanes::run(&chosen(|step| step.within != In::Test)),
        Command::Test { only } if only.is_empty() => {
            lanes::run(&chosen(|step| step.within != In::Quick))
        }
        Command::Test { only } => lanes::run(&chosen(|step| only.iter().any(|n| n == step.name))),
        Command::Bless { only, of } => {
            let is_wanted = |part: &&Part| match only.as_slice() {
                [] => !part.by_name,
                only => only.iter().any(|name| name == part.name),
            };
            let of = if of.is_empty() { "1".into() } else { of.join(",") };
            lanes::each(PARTS.iter().filter(is_wanted), &of)
        }
        Command::Nightly => lanes::nightly(),
        Command::Mutants => lanes::mutants(),
        Command::Bench { arguments } => bench::run(&arguments),
        Command::List => {
            list();
            ExitCode::SUCCESS
        }
    }
}

fn chosen(is_wanted: impl Fn(&Step) -> bool) -> Vec<&'static Step> {
    STEPS.iter().filter(|step| is_wanted(step)).collect()
}

fn list() {
    let line = |name: &str, usual: u32, says: &str, hint: &str| {
        println!("{name:16}  {usual:5} s  {says}{hint}");
    };
    println!(
        "Steps of `test`; the seconds are those of one whole run from a fresh clone, on two quiet cores:"
    );
    let (name, says, usual) = BUILT;
    line(name, usual, says, "");
    for step in STEPS {
        let hint = match step.within {
            In::Test => "",
            In::Quick => " (`quick` alone)",
            In::Both => " (in `quick` too)",
        };
        line(step.name, step.usual, step.says, hint);
    }
    println!("\nParts of `bless`:");
    for part in PARTS {
        let hint = if part.by_name { " (only when it is named)" } else { "" };
        line(part.name, part.usual, part.says, hint);
    }
}
