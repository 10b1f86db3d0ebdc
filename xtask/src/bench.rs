//! `cargo xtask bench`: compares the engines, with what that needs installed.
//!
//! Never here: what is compared; see `checker/search/benches`.

use std::process::{Command, ExitCode};

use crate::packages;
use crate::run::cargo;

/// Runs the comparison; `arguments` are its own.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    for program in ["spin", "gcc"] {
        if Command::new(program).arg("--version").output().is_ok() {
            continue;
        }
        match packages::install(&[program], &format!("the comparison with Spin needs {program}")) {
            Ok(installed) => println!("{installed}"),
            Err(why) => {
                eprintln!("error: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut command = cargo(&["bench", "--package", "syncsplit-search", "--bench", "engines"]);
    match command.arg("--").args(arguments).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: cargo does not start: {why}");
            ExitCode::FAILURE
        }
    }
}
