//! `syncsplit`: the command. What it can do is in [`syncsplit_checker::cli`].
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use syncsplit_checker::cli::{Cli, Command};
use syncsplit_checker::{
    ablate, check, conform, explore, list, matrix, replay, simulate, validate,
};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Check(args) => check::main(&args),
        Command::Replay(args) => replay::main(&args),
        Command::Validate(args) => validate::command::main(&args),
        Command::Simulate(args) => simulate::main(&args),
        Command::Explore(args) => explore::main(&args),
        Command::Ablate(args) => ablate::main(&args),
        Command::Matrix(args) => matrix::main(&args),
        Command::Conform(args) => conform::main(&args),
        Command::List(args) => list::main(&args),
    }
}
