//! Compares the engines on two-phase commit: `cargo xtask bench`.
//!
//! Never here: a claim. What it prints are ratios of medians on the machine it runs on.
//!
//! Every run is a process of its own, so that its peak of memory is its own, and the runs of all
//! engines take turns, so that a machine that slows down slows all of them.

#[path = "engines/contenders.rs"]
mod contenders;
#[path = "engines/process.rs"]
mod process;
#[path = "engines/random.rs"]
mod random;
#[path = "engines/report.rs"]
mod report;
#[path = "engines/spin.rs"]
mod spin;
#[path = "engines/two_phase.rs"]
mod two_phase;
#[path = "engines/words.rs"]
mod words;

use clap::Parser;
use contenders::{CONTENDERS, Contender};
use process::Measured;
use report::Rows;
use std::path::PathBuf;
use std::process::ExitCode;

/// The contender all others are compared with, and whose growth is shown.
const OURS: &str = "packed-2";

/// Compares the engines on two-phase commit.
#[derive(Debug, Parser)]
#[command(name = "engines", max_term_width = 100)]
struct Cli {
    /// Resource managers: 9 gives 10,340,352 states
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=10))]
    rms: u32,
    /// Runs of each engine; the table shows medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Leave all out but these; may be given again
    #[arg(long, value_name = "NAME", value_parser = names())]
    only: Vec<String>,
    /// Sizes at which growth is shown, in resource managers; none to leave it out
    #[arg(long, value_delimiter = ',', default_value = "7,8,9,10", num_args = 0..)]
    growth: Vec<u32>,
    /// Where the table is written to, besides the terminal
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do one run in this process, as the comparison has it done
    #[arg(long, hide = true)]
    one: Option<String>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn names() -> clap::builder::PossibleValuesParser {
    CONTENDERS.iter().map(|contender| contender.name).collect::<Vec<_>>().into()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.one {
        Some(name) => contenders::run_here(name, cli.rms),
        None => compare(&cli),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn compare(cli: &Cli) -> Result<(), String> {
    let is_wanted = |c: &&Contender| cli.only.is_empty() || cli.only.iter().any(|n| n == c.name);
    let wanted: Vec<&Contender> = CONTENDERS.iter().filter(is_wanted).collect();
    let mut rows = Rows::new(OURS);
    for run in 1..=cli.runs {
        for contender in &wanted {
            eprintln!("run {run} of {}: {}", cli.runs, contender.name);
            rows.add(contender.name, measure(contender, cli.rms)?);
        }
    }
    let mut text = rows.compared(cli.rms);
    let ours = CONTENDERS.iter().find(|contender| contender.name == OURS);
    if let (Some(ours), false) = (ours, cli.growth.is_empty()) {
        let mut sizes: Vec<(u32, Vec<Measured>)> = Vec::new();
        for run in 1..=cli.runs {
            for (at, rms) in cli.growth.iter().enumerate() {
                eprintln!("run {run} of {}: {OURS} with {rms} resource managers", cli.runs);
                if sizes.len() <= at {
                    sizes.push((*rms, Vec::new()));
                }
                sizes[at].1.push(measure(ours, *rms)?);
            }
        }
        text += &report::growth(OURS, &sizes);
    }
    print!("{text}");
    let out = cli.out.clone().unwrap_or_else(|| process::scratch().join("engines.txt"));
    let written = std::fs::write(&out, text).map_err(|why| format!("{}: {why}", out.display()));
    written.map(|()| eprintln!("written to {}", out.display()))
}

/// One run in a process of its own. What it counts must be what is known of the model.
fn measure(contender: &Contender, rms: u32) -> Result<Measured, String> {
    let measured = match contender.pan {
        Some(options) => spin::run(rms, options)?,
        None => process::run_one(contender.name, rms)?,
    };
    match contenders::states_of(rms)
        .filter(|known| contender.is_search && *known != measured.states)
    {
        None => Ok(measured),
        Some(known) => {
            let Measured { states, .. } = measured;
            Err(format!("{} found {states} states, {known} are known", contender.name))
        }
    }
}
