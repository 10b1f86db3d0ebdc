//! Spin: has it write its verifier, compiles that, runs it and reads what it prints.
//!
//! Never here: the model; see `two_phase.pml`.

use super::process::{Measured, said_by, scratch};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const MODEL: &str = include_str!("two_phase.pml");

/// Runs the verifier for so many resource managers.
pub(crate) fn run(rms: u32, options: &[&str]) -> Result<Measured, String> {
    let pan = verifier(rms)?;
    let began = Instant::now();
    let said = said_by(Command::new(pan).args(options))?;
    let seconds = began.elapsed().as_secs_f64();
    let before = |what: &str| {
        let line = said.lines().find(|line| line.contains(what));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        number.ok_or_else(|| format!("Spin's verifier did not say {what:?}:\n{said}"))
    };
    if !said.contains("errors: 0") {
        return Err(format!("Spin's verifier found something:\n{said}"));
    }
    Ok(Measured {
        states: before("states, stored")? as u64,
        steps: before("transitions (= stored+matched)")? as u64,
        seconds,
        bytes: (before("total actual memory usage")? * f64::from(1 << 20)) as u64,
    })
}

/// The verifier, compiled if it is not there yet.
fn verifier(rms: u32) -> Result<PathBuf, String> {
    let folder = scratch().join(format!("spin-{rms}"));
    let pan = folder.join("pan");
    let model = folder.join("two_phase.pml");
    if pan.exists() && fs::read_to_string(&model).is_ok_and(|text| text == MODEL) {
        return Ok(pan);
    }
    let write = || {
        fs::create_dir_all(&folder)?;
        fs::write(&model, MODEL)
    };
    write().map_err(|why| format!("{}: {why}", folder.display()))?;
    let hint = |why| format!("{why} (on Debian: apt-get install -y spin gcc)");
    let size = format!("-DN={rms}");
    run_in(&folder, "spin", &[&size, "-a", "two_phase.pml"]).map_err(hint)?;
    let compile = ["-O3", "-DSAFETY", "-DNOREDUCE", "-w", "-o", "pan", "pan.c"];
    run_in(&folder, "gcc", &compile).map_err(hint)?;
    Ok(pan)
}

fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    said_by(Command::new(program).args(arguments).current_dir(folder)).map(drop)
}
