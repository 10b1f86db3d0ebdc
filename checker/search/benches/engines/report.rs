//! The tables: medians, and ratios of them.
//!
//! Never here: a measurement.

use super::contenders::CONTENDERS;
use super::process::Measured;
use super::subject::Subject;
use std::collections::BTreeMap;
use std::fmt::Write;

/// All runs by contender.
pub(crate) struct Rows {
    ours: &'static str,
    runs: BTreeMap<&'static str, Vec<Measured>>,
}

impl Rows {
    pub(crate) fn new(ours: &'static str) -> Self {
        Self { ours, runs: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, run: Measured) {
        self.runs.entry(name).or_default().push(run);
    }

    /// All contenders beside ours.
    pub(crate) fn compared(&self, subject: Subject) -> String {
        let mut text = format!("{subject}: {}\n\n", subject.says());
        let ours = self.runs.get(self.ours).map_or(f64::NAN, |runs| median(runs, |r| r.seconds));
        let _ = writeln!(
            text,
            "{:23} {:>8} {:>17} {:>8} {:>8} {:>10} {:>11}  ",
            "", "median s", "least to most", "times", "B/state", "states", "steps"
        );
        for contender in CONTENDERS {
            let Some(runs) = self.runs.get(contender.name) else { continue };
            let seconds = median(runs, |run| run.seconds);
            let bytes = median(runs, |run| run.bytes as f64 / run.states.max(1) as f64);
            let least = runs.iter().map(|run| run.seconds).fold(f64::INFINITY, f64::min);
            let most = runs.iter().map(|run| run.seconds).fold(0.0, f64::max);
            let Some(Measured { states, steps, .. }) = runs.first() else { continue };
            let _ = writeln!(
                text,
                "{:23} {seconds:8.2} {:>17} {:8.2} {bytes:8.1} {states:10} {steps:11}  {}",
                contender.name,
                format!("{least:.2} to {most:.2}"),
                seconds / ours,
                contender.says,
            );
        }
        let _ = writeln!(
            text,
            "\n\"times\" is a multiple of the time of {}. B/state is the peak of resident memory \
             beyond what the process\nbegan with, or what Spin says it used. Runs of all rows took \
             turns.",
            self.ours
        );
        if let (Some(floor), Some(bare)) = (self.seconds("random-2"), self.seconds("successors-2"))
        {
            let _ = writeln!(
                text,
                "{} takes {:.2} times the sum of the floor and the bare successors.",
                self.ours,
                ours / (floor + bare)
            );
        }
        text.push('\n');
        text
    }

    fn seconds(&self, name: &str) -> Option<f64> {
        self.runs.get(name).map(|runs| median(runs, |run| run.seconds))
    }
}

/// What a state takes as there are more of them.
pub(crate) fn growth(name: &str, sizes: &[(Subject, Vec<Measured>)]) -> String {
    let mut text = format!("Growth of {name}\n\n");
    let _ = writeln!(
        text,
        "{:12} {:>10} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "", "states", "median s", "ns/state", "times", "ns/step", "B/state", "times"
    );
    let of = |runs: &[Measured]| {
        let states = runs.first().map_or(1, |run| run.states.max(1)) as f64;
        let steps = runs.first().map_or(1, |run| run.steps.max(1)) as f64;
        let seconds = median(runs, |run| run.seconds);
        let bytes = median(runs, |run| run.bytes as f64 / states);
        (seconds, seconds / states * 1e9, seconds / steps * 1e9, bytes)
    };
    let Some((_, first)) = sizes.first() else { return text };
    let (_, time_first, _, bytes_first) = of(first);
    for (subject, runs) in sizes {
        let (seconds, time, step, bytes) = of(runs);
        let states = runs.first().map_or(0, |run| run.states);
        let _ = writeln!(
            text,
            "{:12} {states:10} {seconds:9.2} {time:9.0} {:8.2} {step:8.1} {bytes:8.1} {:8.2}",
            subject.to_string(),
            time / time_first,
            bytes / bytes_first,
        );
    }
    text
}

fn median(runs: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len => (values[(len - 1) / 2] + values[len / 2]) / 2.0,
    }
}
