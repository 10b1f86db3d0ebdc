//! `syncsplit simulate`: walks through a world by chance, beyond the bounds that can be searched. Drawing the walks and
//! making a found run shorter are in the files below.

pub mod report;
pub mod shrink;
pub mod walk;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use syncsplit_model::world::{Bounds, Variant};

use crate::bounds;
use crate::cli::{Format, SimulateArgs};
use crate::instance::Instance;
use crate::report::reader_left;
use crate::simulate::report::{Report, Verdict};
use crate::simulate::walk::Plan;
use crate::trace::{Subject, Trace};

/// The world that the command line asks for.
///
/// # Errors
/// A sentence that names the argument that is not valid, and what would be.
pub fn subject(args: &SimulateArgs) -> Result<Subject, String> {
    let instance = Instance::load(&args.instance).map_err(|refused| refused.to_string())?;
    let variant = Variant::ALL.iter().find(|variant| variant.name() == args.variant);
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
    Ok(Subject {
        instance: name,
        bounds,
        variant: *variant.ok_or_else(|| format!("no variant is called {:?}", args.variant))?,
        without: args.without.clone(),
    })
}

/// A seed that nobody chose, short enough to be copied, and exact in every reader of JSON.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}

/// Runs the command.
#[must_use]
pub fn main(args: &SimulateArgs) -> ExitCode {
    let refuse = |error: String| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    };
    let subject = match subject(args) {
        Ok(subject) => subject,
        Err(error) => return refuse(error),
    };
    let interrupt = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&interrupt);
    if let Err(error) = ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed)) {
        eprintln!("warning: Ctrl-C will end the run without a report: {error}");
    }
    let seed = args.seed.unwrap_or_else(any_seed);
    let plan = Plan { seed, runs: args.runs, steps: args.steps };
    let world = subject.world();
    let begin = Instant::now();
    let (tally, found) = walk::walk(&world, plan, &interrupt);
    let trace = found.as_ref().map(|found| {
        let path = shrink::shrink(&world, found.property, &found.actions);
        Trace::new(subject.clone(), Some(found.property), &path, None)
    });
    let seconds = begin.elapsed().as_secs_f64();
    let violation = found.as_ref().zip(trace.as_ref());
    let report = Report::new(&world, plan, &tally, seconds, &subject, violation);
    let printed = match args.format {
        Format::Text => report.print_text(),
        Format::Json => report.print_json(),
    };
    if let Err(error) = printed.or_else(reader_left) {
        return refuse(format!("the report could not be written: {error}"));
    }
    if let Some(file) = &args.trace_out
        && let Err(error) = file.offer(trace.as_ref())
    {
        return refuse(error);
    }
    match report.verdict {
        Verdict::NoViolationFound => ExitCode::SUCCESS,
        Verdict::Violated => ExitCode::from(1),
        Verdict::Undecided => ExitCode::from(3),
    }
}
