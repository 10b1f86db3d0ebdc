//! `syncsplit replay`: says whether a trace file is a run of the model.

use std::fs;

use syncsplit_study::replay::replay;
use syncsplit_study::trace::itf;

use crate::args::ReplayArgs;
use crate::exit::Ended;
use crate::print;

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs) -> Ended {
    let file = args.file.display().to_string();
    let text = fs::read_to_string(&args.file).map_err(|error| format!("{file}: {error}"))?;
    let trace = itf::read(&text).map_err(|error| format!("{file}: {error}"))?;
    let replay = replay(&trace);
    print::text(replay.page(&file, &trace))?;
    Ok(replay.verdict())
}
