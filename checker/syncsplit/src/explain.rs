//! `syncsplit explain`: what a name of SPEC.md stands for.

use syncsplit_model::world::Verdict;
use syncsplit_study::explain::explain;

use crate::args::{ExplainArgs, Format};
use crate::exit::Ended;
use crate::print;

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs) -> Ended {
    let explanation = explain(args.topic)?;
    match args.format {
        Format::Text => print::text(&explanation),
        Format::Json => print::json(&explanation),
    }?;
    Ok(Verdict::Holds)
}
