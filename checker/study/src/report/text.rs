//! The report for a person: the verdict first, then what it rests on, then each counterexample as a table.

use std::fmt::{self, Write};

use bytesize::ByteSize;
use syncsplit_model::world::Verdict;

use crate::reduce::Reduction;
use crate::report::expected::ExpectedReport;
use crate::report::{PropertyReport, Report};
use crate::trace::text::counterexample;
use crate::words::thousands;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, f)
    }
}

impl Report {
    /// The verdict, and of what, in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let without: String = self.without.iter().map(|rule| format!(" without {rule}")).collect();
        let but = but_for(self);
        format!("{}{but}: {}, {}{without}", self.verdict, self.instance, self.variant)
    }
}

fn write(report: &Report, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "{}", report.headline())?;
    writeln!(out, "  world        {}", report.bounds)?;
    let sleep = Reduction::Sleep.name();
    let smaller: Vec<_> = report.reductions.iter().copied().filter(|name| *name != sleep).collect();
    let reduced = match smaller.join(", ") {
        none if none.is_empty() => none,
        names => format!("  of a space reduced by {names}"),
    };
    writeln!(out, "  states       {}{reduced}", thousands(report.states))?;
    writeln!(out, "  transitions  {}{reduced}", thousands(report.transitions))?;
    let depth = report.depth.map_or("not known to this engine".into(), |depth| depth.to_string());
    // By symmetry it is that of the whole space.
    let is_ordered = report.reductions.contains(&Reduction::Order.name());
    let reduced = if is_ordered { reduced } else { String::new() };
    writeln!(out, "  depth        {depth}{reduced}")?;
    let asleep = if report.reductions.contains(&sleep) { ", with sleep sets" } else { "" };
    writeln!(out, "  search       {}, {}{asleep}", ended(report), report.engine)?;
    if let Some(seed) = report.seed {
        writeln!(out, "  store        fingerprints of 64 bits, seed {seed}")?;
    }
    let memory = report.peak_bytes.map_or(String::new(), |b| format!(", {}", ByteSize::b(b)));
    let threads = report.threads;
    writeln!(out, "  cost         {:.1} s on {threads} thread(s){memory}", report.seconds)?;
    writeln!(out)?;
    for property in &report.properties {
        let steps = match (property.steps, property.cycle) {
            (None, _) => String::new(),
            (Some(steps), Some(0)) => format!(" after {steps} steps, standing still"),
            (Some(steps), Some(cycle)) => format!(" after {steps} steps, in a loop of {cycle}"),
            (Some(1), None) => " in 1 step".into(),
            (Some(steps), None) => format!(" in {steps} steps"),
        };
        let PropertyReport { name, kind, verdict, .. } = property;
        writeln!(out, "  {kind:9}  {name:34}  {verdict}{steps}")?;
    }
    if !report.unexercised.is_empty() {
        writeln!(out, "\nNot exercised, since no state raised the question. It takes:")?;
        for question in &report.unexercised {
            writeln!(out, "  {:34}  {}", question.property, question.needs)?;
        }
    }
    for warning in &report.warnings {
        writeln!(out, "\nwarning: {warning}")?;
    }
    for note in &report.notes {
        writeln!(out, "\nnote: {note}")?;
    }
    for property in &report.properties {
        if let Some(trace) = &property.trace {
            let what = match property.cycle {
                Some(_) => "a shortest run",
                None if is_ordered => "a way there",
                None => "a shortest way there",
            };
            writeln!(out, "\n{} is violated; {what}:\n", property.name)?;
            out.write_str(&counterexample(trace, property.explanation.as_ref()))?;
        }
    }
    if let Some(expected) = &report.expected {
        expectation(expected, out)?;
    }
    if report.verdict == Verdict::Holds && report.missed_at_most.is_some() {
        writeln!(
            out,
            "\nHolds for the states that were found; that these are all is likely, and not certain."
        )?;
    } else if report.verdict == Verdict::Holds && !report.unexercised.is_empty() {
        writeln!(
            out,
            "\nHolds for runs of any length within this world but for what is not exercised, and is no claim beyond it."
        )?;
    } else if report.shows_nothing() {
        writeln!(out, "\nEvery state was seen, and none raised a question: nothing is shown.")?;
    } else if report.verdict == Verdict::Holds {
        writeln!(
            out,
            "\nHolds for runs of any length within this world, and is no claim beyond it."
        )?;
    }
    Ok(())
}

/// What a verdict about all states leaves open, if states are kept by fingerprint. One that rests on a trace leaves
/// nothing open.
fn but_for(report: &Report) -> String {
    let is_shown = report.properties.iter().any(|property| property.verdict == "violated");
    match report.missed_at_most {
        Some(likely) if report.verdict != Verdict::Undecided && !is_shown => {
            format!(" but for states missed with a probability of at most {likely:.1e}")
        }
        _ => String::new(),
    }
}

fn expectation(expected: &ExpectedReport, out: &mut impl Write) -> fmt::Result {
    if expected.met {
        return writeln!(out, "\nAs the instance expects.");
    }
    writeln!(out, "\nNOT as the instance expects:")?;
    for difference in &expected.differences {
        writeln!(out, "  {difference}")?;
    }
    Ok(())
}

fn ended(report: &Report) -> String {
    match report.ended {
        "complete" if report.seed.is_some() => "every state found was expanded".into(),
        "complete" => "every reachable state was seen".into(),
        "violation" => "ended at the first level with a violation".into(),
        limit => format!("ended by the limit of {limit}"),
    }
}
