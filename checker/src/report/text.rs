//! The report for a person: the verdict first, then what it rests on, then each counterexample as a table.

use std::io::{self, Write};

use bytesize::ByteSize;

use crate::check::Answer;
use crate::report::{PropertyReport, Report, thousands};
use crate::trace::text::table;

/// Prints `report`.
///
/// # Errors
/// What kept stdout from taking it.
pub fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write(report, &mut out)?;
    out.flush()
}

fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let without: String = report.without.iter().map(|rule| format!(" without {rule}")).collect();
    writeln!(out, "{}: {}, {}{without}", report.verdict, report.instance, report.variant)?;
    writeln!(out, "  world        {}", report.bounds)?;
    writeln!(out, "  states       {}", thousands(report.states))?;
    writeln!(out, "  transitions  {}", thousands(report.transitions))?;
    let depth = report.depth.map_or("not known to this engine".into(), |depth| depth.to_string());
    writeln!(out, "  depth        {depth}")?;
    writeln!(out, "  search       {}, {}", ended(report), report.engine)?;
    let memory = report.peak_bytes.map_or(String::new(), |b| format!(", {}", ByteSize::b(b)));
    let threads = report.threads;
    writeln!(out, "  cost         {:.1} s on {threads} thread(s){memory}", report.seconds)?;
    writeln!(out)?;
    for property in &report.properties {
        let steps = match property.steps {
            None => String::new(),
            Some(1) => " in 1 step".into(),
            Some(steps) => format!(" in {steps} steps"),
        };
        let PropertyReport { name, kind, verdict, .. } = property;
        writeln!(out, "  {kind:9}  {name:34}  {verdict}{steps}")?;
    }
    for note in &report.notes {
        writeln!(out, "\nnote: {note}")?;
    }
    for property in &report.properties {
        if let Some(trace) = &property.trace {
            writeln!(out, "\n{} is violated; a shortest way there:\n", property.name)?;
            table(trace, out)?;
        }
    }
    if report.verdict == Answer::Holds {
        writeln!(
            out,
            "\nHolds for runs of any length within this world, and is no claim beyond it."
        )?;
    }
    Ok(())
}

fn ended(report: &Report) -> String {
    match report.ended {
        "complete" => "every reachable state was seen".into(),
        "violation" => "ended at the first level with a violation".into(),
        limit => format!("ended by the limit of {limit}"),
    }
}
