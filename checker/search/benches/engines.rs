//! Compares the engines on two-phase commit and on the world: `cargo xtask bench`.
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
#[path = "engines/subject.rs"]
mod subject;
#[path = "../../engine/tests/two_phase.rs"]
mod two_phase;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use contenders::{CONTENDERS, Contender};
use process::{Counted, Measured};
use report::Rows;
use subject::Subject;

/// The contender all others are compared with, and whose growth is shown.
const OURS: &str = "packed-2";

/// Compares the engines on two-phase commit and on the world.
#[derive(Debug, Parser)]
#[command(name = "engines", max_term_width = 100)]
struct Cli {
    /// What they are compared on: 2pc-N, two-phase commit with N resource managers (2pc-9 has 10,340,352 states), or an
    /// instance's name
    #[arg(long, value_name = "SUBJECT", value_delimiter = ',', default_value = "2pc-9,ci")]
    on: Vec<Subject>,
    /// Runs of each engine; the tables show medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Leave all out but these; may be given again
    #[arg(long, value_name = "NAME", value_parser = names())]
    only: Vec<String>,
    /// Subjects of rising size on which growth is shown; none to leave it out
    #[arg(
        long,
        value_name = "SUBJECT",
        value_delimiter = ',',
        default_value = "2pc-7,2pc-8,2pc-9,2pc-10",
        num_args = 0..
    )]
    growth: Vec<Subject>,
    /// Where the tables are written to, besides the terminal
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do one run in this process, as the comparison has it done
    #[arg(long, hide = true)]
    one: Option<String>,
    /// States and steps to imitate, for one run
    #[arg(long, hide = true)]
    like: Option<Counted>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn names() -> clap::builder::PossibleValuesParser {
    CONTENDERS.iter().map(|contender| contender.name).collect::<Vec<_>>().into()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match (&cli.one, cli.on.first()) {
        (Some(name), Some(subject)) => contenders::run_here(name, *subject, cli.like),
        _ => compare(&cli),
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
    let mut text = String::new();
    for subject in &cli.on {
        text += &compare_on(*subject, cli)?;
    }
    let ours = CONTENDERS.iter().find(|contender| contender.name == OURS);
    if let (Some(ours), false) = (ours, cli.growth.is_empty()) {
        let mut sizes: Vec<(Subject, Vec<Measured>)> =
            cli.growth.iter().map(|subject| (*subject, Vec::new())).collect();
        for run in 1..=cli.runs {
            for (subject, runs) in &mut sizes {
                eprintln!("run {run} of {}: {OURS} on {subject}", cli.runs);
                runs.push(measure(ours, *subject, None)?);
            }
        }
        text += &report::growth(OURS, &sizes);
    }
    print!("{text}");
    let out = cli.out.clone().unwrap_or_else(|| process::scratch().join("engines.txt"));
    let written = std::fs::write(&out, text).map_err(|why| format!("{}: {why}", out.display()));
    written.map(|()| eprintln!("written to {}", out.display()))
}

/// The table of one subject.
fn compare_on(subject: Subject, cli: &Cli) -> Result<String, String> {
    let is_wanted = |c: &&Contender| {
        let is_two_phase = matches!(subject, Subject::TwoPhase { .. });
        let fits = if is_two_phase { !c.is_for_world } else { !c.is_for_two_phase };
        fits && (cli.only.is_empty() || cli.only.iter().any(|name| name == c.name))
    };
    let wanted: Vec<&Contender> = CONTENDERS.iter().filter(is_wanted).collect();
    let mut rows = Rows::new(OURS);
    // The first to search it, which is this engine if it takes part, says how large a subject is.
    let mut counted = None;
    for run in 1..=cli.runs {
        for contender in &wanted {
            eprintln!("run {run} of {}: {} on {subject}", cli.runs, contender.name);
            let measured = measure(contender, subject, counted)?;
            if contender.is_search {
                counted.get_or_insert(Counted { states: measured.states, steps: measured.steps });
            }
            rows.add(contender.name, measured);
        }
    }
    Ok(rows.compared(subject))
}

/// One run in a process of its own. A search must come to as many states as are known, or as were `counted` before.
fn measure(
    contender: &Contender,
    subject: Subject,
    counted: Option<Counted>,
) -> Result<Measured, String> {
    let measured = match (contender.pan, subject) {
        (Some(options), Subject::TwoPhase { rms }) => spin::run(rms, options)?,
        _ => process::run_one(contender.name, subject, counted)?,
    };
    let known = subject.known_states().or(counted.map(|counted| counted.states));
    match known.filter(|known| contender.is_search && *known != measured.states) {
        None => Ok(measured),
        Some(known) => {
            let Measured { states, .. } = measured;
            let name = contender.name;
            Err(format!("{name} found {states} states of {subject}, {known} are known"))
        }
    }
}
