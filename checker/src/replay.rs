//! `syncsplit replay`: steps a trace file through the model, and says whether it is a run of it. Nothing is searched.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use stateright::Expectation;
use syncsplit_model::world::{Action, State, WhyNot, World, WorldProperty, describe};

use crate::cli::ReplayArgs;
use crate::report::reader_left;
use crate::trace::itf::{self, ReadTrace};
use crate::trace::value::Value;
use crate::trace::variables::variables;
use crate::trace::{Numbers, Step, text};

/// What a replay comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Every step is one of the model's, and leads where the file says.
    Run,
    /// The model does not take a step.
    Refused {
        /// The step's number, from 1.
        step: usize,
        /// The action as a sentence.
        action: String,
        /// The guard that was false.
        why: WhyNot,
        /// What the model offers instead, of the same kind.
        offered: Vec<String>,
    },
    /// The model is in another state than the file says.
    Differs {
        /// The index of the state.
        state: usize,
        /// Each variable that differs: its name, what the file says, and what the model has.
        variables: Vec<(String, String, String)>,
    },
    /// The last state is not the one that the file says the run comes back to.
    NoLoop {
        /// Index of that state.
        from: usize,
        /// Each variable that differs: its name, there, and at the end.
        variables: Vec<(String, String, String)>,
    },
}

/// A replay as far as it went.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What it came to.
    pub finding: Finding,
    /// The steps that the model took.
    pub steps: Vec<Step>,
    /// The state after them, in its normal form.
    pub last: State,
}

/// Steps `trace` through the model.
#[must_use]
pub fn replay(trace: &ReadTrace) -> Replay {
    let world = trace.subject.world();
    let mut state = match trace.numbers {
        Numbers::True => world.raw_initial(),
        Numbers::Renamed => world.normal(world.raw_initial()),
    };
    let mut steps = Vec::new();
    let mut loop_state = None;
    let mut finding = Finding::Run;
    for (index, expected) in trace.states.iter().enumerate() {
        if let Some(action) = &expected.taken {
            match take(&world, trace.numbers, &state, *action) {
                Ok(after) => {
                    steps.push(Step::new(&world, index, &state, action, &after));
                    state = after;
                }
                Err(why) => {
                    finding = refused(&world, &state, index, action, why);
                    break;
                }
            }
        }
        let mut seen = itf::action_variables(&world, expected.taken.as_ref());
        seen.retain(|(name, _)| name != itf::TAKEN);
        seen.extend(variables(&world, &state));
        let variables = differing(&expected.variables, &seen);
        if !variables.is_empty() {
            finding = Finding::Differs { state: index, variables };
            break;
        }
        if trace.loop_from == Some(index) {
            loop_state = Some(state);
        }
    }
    if let (Finding::Run, Some(from), Some(then)) = (&finding, trace.loop_from, loop_state) {
        let (then, now) = (world.normal(then), world.normal(state));
        if then != now {
            let variables = differing(&variables(&world, &then), &variables(&world, &now));
            finding = Finding::NoLoop { from, variables };
        }
    }
    Replay { finding, steps, last: world.normal(state) }
}

fn take(world: &World, numbers: Numbers, state: &State, action: Action) -> Result<State, WhyNot> {
    match numbers {
        Numbers::True => world.attempt_raw(state, action),
        Numbers::Renamed => world.attempt(state, action),
    }
}

fn refused(world: &World, state: &State, step: usize, action: &Action, why: WhyNot) -> Finding {
    let successors = world.raw_successors(state).into_iter();
    let alike = successors.filter(|(other, _)| other.kind() == action.kind() && other != action);
    Finding::Refused {
        step,
        action: describe::sentence(world, action),
        why,
        offered: alike.map(|(other, _)| describe::sentence(world, &other)).collect(),
    }
}

/// Each variable whose value is another in `seen` than in `expected`.
fn differing(
    expected: &[(String, Value)],
    seen: &[(String, Value)],
) -> Vec<(String, String, String)> {
    let differs = |(name, value): &(String, Value)| {
        let (_, with) = seen.iter().find(|(other, _)| other == name)?;
        (!value.is_same(with)).then(|| (name.clone(), value.to_string(), with.to_string()))
    };
    expected.iter().filter_map(differs).collect()
}

/// Runs the command.
#[must_use]
pub fn main(args: &ReplayArgs) -> ExitCode {
    let refuse = |error: String| {
        eprintln!("error: {}: {error}", args.file.display());
        ExitCode::from(2)
    };
    let text = match fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => return refuse(error.to_string()),
    };
    let trace = match itf::read(&text) {
        Ok(trace) => trace,
        Err(error) => return refuse(error),
    };
    let replay = replay(&trace);
    match print(&args.file, &trace, &replay).or_else(reader_left) {
        Ok(()) if replay.finding == Finding::Run => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: the outcome could not be written: {error}");
            ExitCode::from(2)
        }
    }
}

fn print(file: &Path, trace: &ReadTrace, replay: &Replay) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let verdict = match &replay.finding {
        Finding::Run => "A RUN OF THE MODEL",
        Finding::Refused { .. } | Finding::Differs { .. } | Finding::NoLoop { .. } => {
            "NOT A RUN OF THE MODEL"
        }
    };
    writeln!(out, "{verdict}: {}, {}\n", file.display(), trace.subject.title())?;
    text::table(&replay.steps, &mut out)?;
    writeln!(out)?;
    let unlike = |out: &mut io::StdoutLock<'_>,
                  rows: &[(String, String, String)],
                  there: &str,
                  here: &str| {
        rows.iter().try_for_each(|(name, expected, seen)| {
            writeln!(out, "  {name}: {there} {expected}, {here} {seen}")
        })
    };
    match &replay.finding {
        Finding::Run => end(trace, replay, &mut out)?,
        Finding::Refused { step, action, why, offered } => {
            writeln!(out, "The model refuses step {step}, {action:?}: {why}.")?;
            if !offered.is_empty() {
                writeln!(out, "It would take: {}.", offered.join("; "))?;
            }
        }
        Finding::Differs { state, variables } => {
            writeln!(out, "State {state} differs:")?;
            unlike(&mut out, variables, "the file says", "the model has")?;
        }
        Finding::NoLoop { from, variables } => {
            writeln!(out, "The last state is not state {from} again:")?;
            unlike(&mut out, variables, "there", "at the end")?;
        }
    }
    out.flush()
}

/// What a run of the model shows at its end.
fn end(trace: &ReadTrace, replay: &Replay, out: &mut impl Write) -> io::Result<()> {
    let steps = replay.steps.len();
    if let Some(from) = trace.loop_from {
        writeln!(out, "{steps} steps; after the last it goes on with step {} for ever.", from + 1)?;
    } else {
        writeln!(out, "{steps} steps.")?;
    }
    let Some(name) = trace.property else { return Ok(()) };
    let world = trace.subject.world();
    let property = WorldProperty::named(name);
    // What a loop violates is no state's fault.
    let Some(property) = property.filter(|_| trace.loop_from.is_none()) else { return Ok(()) };
    let says = match (property.kind(), property.is_true(&world, &replay.last)) {
        (Expectation::Always, true) => "is not violated",
        (Expectation::Always, false) => "is violated",
        (Expectation::Sometimes | Expectation::Eventually, true) => "is reached",
        (Expectation::Sometimes | Expectation::Eventually, false) => "is not reached",
    };
    writeln!(out, "{name} {says} at the end.")
}
