//! Walks through a world by chance, beyond the bounds that can be searched. Drawing the walks and making a found run
//! shorter are in the files below.

pub mod report;
pub mod shrink;
pub mod walk;

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::simulate::report::SimulationReport;
use crate::simulate::walk::Simulation;
use crate::trace::{Subject, Trace};

/// Walks through `subject` as `plan` says: what the walks come to, and the run to a violation if one was found.
#[must_use]
pub fn simulate(
    subject: &Subject,
    plan: Simulation,
    interrupt: &AtomicBool,
) -> (SimulationReport, Option<Trace>) {
    let world = subject.world();
    let begin = Instant::now();
    let (tally, found) = walk::walk(&world, plan, interrupt);
    let trace = found.as_ref().map(|found| {
        let path = shrink::shrink(&world, found.property, &found.actions);
        Trace::new(subject.clone(), Some(found.property), &path, None)
    });
    let seconds = begin.elapsed().as_secs_f64();
    let violation = found.as_ref().zip(trace.as_ref());
    let report = SimulationReport::new(&world, plan, &tally, seconds, subject, violation);
    (report, trace)
}
