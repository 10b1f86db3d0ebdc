//! `syncsplit simulate`: walks through a world by chance.
use std::hash::{BuildHasher, Hasher, RandomState};

use syncsplit_model::world::Bounds;
use syncsplit_study::bounds;
use syncsplit_study::instance::Instance;
use syncsplit_study::simulate::simulate;
use syncsplit_study::simulate::walk::Simulation;
use syncsplit_study::trace::Subject;

use crate::args::{Format, SimulateArgs};
use crate::exit::Ended;
use crate::{interrupt, print};

/// Runs the command.
pub(crate) fn run(args: &SimulateArgs) -> Ended {
    let subject = subject(args)?;
    let interrupt = interrupt::flag();
    let seed = args.seed.unwrap_or_else(any_seed);
    let plan = Simulation { seed, runs: args.runs, steps: args.steps };
    let (report, trace) = simulate(&subject, plan, &interrupt);
    match args.format {
        Format::Text => print::text(&report),
        Format::Json => print::json(&report),
    }?;
    if let Some(file) = &args.trace_out {
        file.offer(trace.as_ref())?.into_iter().for_each(print::note);
    }
    Ok(report.verdict)
}

/// The world that the arguments ask for.
fn subject(args: &SimulateArgs) -> Result<Subject, String> {
    let instance = Instance::load(&args.instance).map_err(|refused| refused.to_string())?;
    let without = instance.without_also(&args.without);
    let variant = args.variant.unwrap_or(instance.variant);
    let mut bounds = instance.bounds;
    let Bounds { blocks, journal, frames, acks, host_messages, .. } = &mut bounds;
    let mut changed = Vec::new();
    if let Some(wanted) = args.blocks {
        *blocks = wanted;
        changed.push(format!("blocks {wanted}"));
    }
    for (name, bound, wanted) in [
        ("journal", journal, args.journal),
        ("frames", frames, args.frames),
        ("acks", acks, args.acks),
        ("host messages", host_messages, args.host_messages),
    ] {
        if let Some(wanted) = wanted {
            *bound = wanted;
            changed.push(format!("{name} {wanted}"));
        }
    }
    bounds::check(&bounds).map_err(|error| format!("--{}", error.replacen('_', "-", 1)))?;
    let mut name = instance.name;
    if !changed.is_empty() {
        name = format!("{name} with {}", changed.join(", "));
    }
    Ok(Subject { instance: name, bounds, variant, without })
}

/// A seed that nobody chose, short enough to be copied, and exact in every reader of JSON.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}
