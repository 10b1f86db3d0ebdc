//! `syncsplit simulate`: walks through a world by chance.
use std::hash::{BuildHasher, Hasher, RandomState};

use syncsplit_study::instance::Instance;
use syncsplit_study::simulate::simulate;
use syncsplit_study::simulate::walk::Simulation;
use syncsplit_study::trace::Subject;

use crate::args::{Format, SimulateArgs};
use crate::exit::Ended;
use crate::print::Stream;
use crate::world::{self, NamedWorld};
use crate::{interrupt, print};

/// Runs the command.
pub(crate) fn run(args: &SimulateArgs) -> Ended {
    let NamedWorld { instance, variant, without } = world::named(&args.instance, &args.world)?;
    let Instance { name: instance, bounds, .. } = instance;
    let subject = Subject { instance, bounds, variant, without };
    let interrupt = interrupt::flag();
    let seed = args.seed.unwrap_or_else(any_seed);
    let plan = Simulation { seed, runs: args.runs, steps: args.steps };
    let (report, trace) = simulate(&subject, plan, &interrupt);
    let stream = Stream::beside(args.trace_out.as_ref());
    match args.format {
        Format::Text => stream.text(&report),
        Format::Json => stream.json(&report),
    }?;
    print::trace(args.trace_out.as_ref(), trace.as_ref())?;
    Ok(report.verdict)
}

/// A seed that nobody chose, short enough to be copied, and exact in every reader of JSON.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}
