//! `syncsplit`: the command. Here alone arguments are read, reports are printed, progress is shown, and a verdict becomes
//! an exit code; what is asked and answered is in the crates below.
#![forbid(unsafe_code)]
#![deny(clippy::wildcard_enum_match_arm)]

mod args;
mod check;
mod conform;
mod exit;
mod explain;
mod explore;
mod interrupt;
mod list;
mod next;
mod print;
mod progress;
mod replay;
mod simulate;
mod study;
mod terminal;
mod validate;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    exit::code(match Cli::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Explore(args) => explore::run(args),
        Command::Ablate(args) => study::ablate(&args),
        Command::Matrix(args) => study::matrix(&args),
        Command::Conform(args) => conform::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::List(args) => list::run(&args),
    })
}
