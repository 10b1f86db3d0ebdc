//! `syncsplit conform`: takes somebody else's implementation, behind an adapter, through scripts that come from the checked
//! model, and says which rules it keeps.
//!
//! A script travels [`directed`], [`generated`] or [`random`] -> [`cases`] -> [`run`] -> [`session`] -> [`request`] -> [`process`]; what
//! comes back is judged in [`follow`], by the states of [`track`], and in [`history`], by the writes alone. [`explain`] names
//! the rules that are broken.

pub mod block;
pub mod campaign;
pub mod cases;
pub mod directed;
pub mod explain;
pub mod finish;
pub mod follow;
pub mod generated;
pub mod history;
pub mod known;
pub mod orphans;
pub mod process;
pub mod random;
pub mod report;
pub mod request;
pub mod run;
pub mod script;
pub mod session;
mod sync;
pub mod track;
pub mod verb;
pub mod wire;

use std::process::ExitCode;

use crate::cli::{CheckFormat, ConformArgs};
use crate::conform::campaign::{Plan, Refused, campaign};
use crate::conform::known::Known;
use crate::progress::Reporter;
use crate::report::{junit, reader_left};

/// Runs the command.
#[must_use]
pub fn main(args: &ConformArgs) -> ExitCode {
    let usage = |message: String| {
        eprintln!("error: {message}");
        ExitCode::from(2)
    };
    let known = match &args.known_failures {
        None => Known::default(),
        Some(file) => {
            let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
            match read.and_then(|text| Known::read(&text)) {
                Ok(known) => known,
                Err(error) => return usage(format!("{}: {error}", file.display())),
            }
        }
    };
    let plan = Plan {
        command: args.adapter.clone(),
        level: args.level,
        only: args.only.clone(),
        script: args.script.clone(),
        known: known.clone(),
        seed: args.seed,
        cases: args.cases,
        fail_fast: args.fail_fast,
        limit: args.time_limit,
        sync: args.sync_timeout,
    };
    orphans::adopt();
    let reporter = Reporter::named(args.progress, "conform");
    let done = campaign(&plan, &crate::check::interrupt(), &reporter);
    reporter.finish();
    let campaign = match done {
        Ok(campaign) => campaign,
        Err(Refused::Usage(message)) => return usage(message),
        Err(Refused::Trouble(case, trouble)) => {
            eprintln!("error: case {case}: {trouble}");
            let printed = report::undecided(args.format, &case, &trouble).or_else(reader_left);
            if let Err(error) = printed {
                eprintln!("error: the report could not be written: {error}");
            }
            return ExitCode::from(3);
        }
    };
    let difference = known.compare(&campaign.cases);
    let printed = match args.format {
        CheckFormat::Text => report::text(&campaign, &difference),
        CheckFormat::Json => report::json(&campaign, &difference),
        CheckFormat::Junit => junit::print(&report::junit(&campaign, &difference)),
    };
    if let Err(error) = printed.or_else(reader_left) {
        return usage(format!("the report could not be written: {error}"));
    }
    ExitCode::from(u8::from(report::verdict(&difference) != "conforms"))
}
