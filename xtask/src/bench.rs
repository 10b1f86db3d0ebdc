//! `cargo xtask bench`: compares the engines, with what that needs installed.
//!
//! Never here: what is compared; see `checker/search/benches`.

use std::process::ExitCode;

use crate::install::{self, Purpose};
use crate::programs::BENCH;
use crate::run::cargo;

/// Runs the comparison; `arguments` are its own.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match compare(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &[String]) -> Result<bool, String> {
    print!("{}", install::ensure(Purpose::Bench)?);
    let mut command = cargo(&[&["bench"], BENCH].concat());
    let status = command.arg("--").args(arguments).status();
    status.map(|status| status.success()).map_err(|why| format!("cargo does not start: {why}"))
}
