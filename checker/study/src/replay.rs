//! Steps a trace file through the model, and says whether it is a run of it. Nothing is searched.

use stateright::Expectation;
use syncsplit_model::world::{Action, State, Verdict, WhyNot, World, WorldProperty, describe};

use crate::trace::itf::{self, ReadTrace};
use crate::trace::value::Value;
use crate::trace::variables::variables;
use crate::trace::{Numbers, Step, mark_first, text};

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
    mark_first(&mut steps);
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

impl Replay {
    /// Whether the trace is a run of the model.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.finding == Finding::Run { Verdict::Holds } else { Verdict::Violated }
    }

    /// The replay of `trace`, which stands in `file`, for a person.
    #[must_use]
    pub fn page(&self, file: &str, trace: &ReadTrace) -> String {
        let is_run = self.finding == Finding::Run;
        let verdict = if is_run { "A RUN OF THE MODEL" } else { "NOT A RUN OF THE MODEL" };
        let title = trace.subject.title();
        let mut page = format!("{verdict}: {file}, {title}\n\n{}\n", text::table(&self.steps));
        page.push_str(&match &self.finding {
            Finding::Run => end(trace, self),
            Finding::Refused { step, action, why, offered } => {
                let refused = format!("The model refuses step {step}, {action:?}: {why}.\n");
                match offered.join("; ") {
                    none if none.is_empty() => refused,
                    offered => format!("{refused}It would take: {offered}.\n"),
                }
            }
            Finding::Differs { state, variables } => {
                let rows = unlike(variables, "the file says", "the model has");
                format!("State {state} differs:\n{rows}")
            }
            Finding::NoLoop { from, variables } => {
                let rows = unlike(variables, "there", "at the end");
                format!("The last state is not state {from} again:\n{rows}")
            }
        });
        page
    }
}

fn unlike(rows: &[(String, String, String)], there: &str, here: &str) -> String {
    let row = |(name, expected, seen): &(String, String, String)| {
        format!("  {name}: {there} {expected}, {here} {seen}\n")
    };
    rows.iter().map(row).collect()
}

/// What a run of the model shows at its end.
fn end(trace: &ReadTrace, replay: &Replay) -> String {
    let steps = replay.steps.len();
    let mut text = match trace.loop_from {
        Some(from) => {
            format!("{steps} steps; after the last it goes on with step {} for ever.\n", from + 1)
        }
        None => format!("{steps} steps.\n"),
    };
    let property = trace.property.and_then(WorldProperty::named);
    // What a loop violates is no state's fault.
    let Some(property) = property.filter(|_| trace.loop_from.is_none()) else { return text };
    let is_true = property.is_true(&trace.subject.world(), &replay.last);
    let says = match (property.kind(), is_true) {
        (Expectation::Always, true) => "is not violated",
        (Expectation::Always, false) => "is violated",
        (Expectation::Sometimes | Expectation::Eventually, true) => "is reached",
        (Expectation::Sometimes | Expectation::Eventually, false) => "is not reached",
    };
    text.push_str(&format!("{} {says} at the end.\n", property.name()));
    text
}
