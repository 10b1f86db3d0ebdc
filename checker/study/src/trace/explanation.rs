//! Why a run is a counterexample: the property in words, the witness against it, and the first step that all rules would
//! have taken otherwise. Every format ends with these lines; what a step leans on stands at the step.

use serde::Serialize;
use syncsplit_model::protocol::Rule;
use syncsplit_model::world::{
    Action, Evidence, Otherwise, PromiseInfo, State, World, WorldProperty, describe,
};

use crate::trace::{Trace, changes};

/// Why a run is a counterexample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The property or promise that the run violates.
    pub property: &'static str,
    /// What it says.
    pub says: &'static str,
    /// What is wrong at the end; along the loop, for a promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Evidence>,
    /// The state from which on a promise is not kept, by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binds_from: Option<usize>,
    /// Where the run leaves those that all rules allow; empty where no rule is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub departs: Vec<String>,
    /// How a run without end goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<String>,
}

impl Explanation {
    /// Why `trace` is a counterexample; none for a run that violates nothing.
    #[must_use]
    pub fn of(trace: &Trace) -> Option<Self> {
        let world = trace.subject.world();
        let (_, last) = trace.path.last()?;
        let name = trace.property?;
        let property = WorldProperty::named(name);
        let promise = PromiseInfo::named(name);
        let judged = property
            .map(|property| property.judge(&world, last))
            .or_else(|| promise.map(|promise| (promise.to)(last)));
        let witness = judged.and_then(Result::err);
        let says = property.map(WorldProperty::says).or(promise.map(|promise| promise.says));
        Some(Self {
            property: name,
            says: says?,
            witness: witness.and_then(|witness| Evidence::of(&world, last, &witness)),
            binds_from: promise.and_then(|promise| binds_from(promise, trace)),
            departs: departs(&world, trace),
            closing: trace.closing(),
        })
    }

    /// A sentence a line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.closing.iter().cloned().collect();
        lines.extend(self.departs.iter().cloned());
        lines.push(format!("Violated: {}: {}.", self.property, self.says));
        if let Some(from) = self.binds_from {
            lines.push(format!("It binds from state {from} on, and is not kept after."));
        }
        lines.extend(self.witness.as_ref().map(|witness| format!("Witness: {witness}.")));
        lines
    }

    /// The lines, each below the other after an empty one.
    #[must_use]
    pub fn paragraph(&self) -> String {
        let lines = self.lines().into_iter().map(|line| format!("{line}\n"));
        format!("\n{}", lines.collect::<String>())
    }
}

/// The number of the first state from which on the promise binds and is not kept.
fn binds_from(promise: &PromiseInfo, trace: &Trace) -> Option<usize> {
    let kept = trace.path.iter().rposition(|(_, state)| (promise.to)(state).is_ok());
    let begin = kept.map_or(0, |kept| kept + 1);
    let rest = trace.path.iter().enumerate().skip(begin);
    rest.filter(|(_, (_, state))| (promise.from)(state)).map(|(number, _)| number).next()
}

fn departs(world: &World, trace: &Trace) -> Vec<String> {
    let mut lines = Vec::new();
    let steps = trace.path.windows(2).enumerate();
    let mut departing = steps.filter_map(|(index, pair)| match pair {
        [(_, before), (Some(action), _)] => Some((index + 1, departure(world, before, *action)?)),
        _ => None,
    });
    if let Some((step, departure)) = departing.next() {
        lines.push(format!("Step {step}, marked *, departs from the full rules: {departure}."));
    }
    let from = trace.loop_from.unwrap_or(trace.path.len());
    let mut owing = trace.path.iter().enumerate().skip(from).filter_map(|(number, (_, state))| {
        let (action, rules) = world.owed_under_all(state).into_iter().next()?;
        let action = describe::sentence(world, &action);
        Some(format!("In state {number} {} would oblige the step {action:?}.", named(&rules)))
    });
    lines.extend(owing.next());
    lines
}

/// How a step departs from what all rules allow, in words; none where it does not.
#[must_use]
pub fn departure(world: &World, before: &State, action: Action) -> Option<String> {
    let departure = world.departure(before, action)?;
    let rules = named(&departure.rules);
    Some(match departure.otherwise {
        Otherwise::Refused(why) => format!("with {rules} it would not be taken, since {why}"),
        Otherwise::Ends(after) => {
            let changes = changes(world, &departure.ending, &after);
            let each = changes.iter().map(|c| format!("{} {}, not {}", c.field, c.after, c.before));
            match each.collect::<Vec<_>>().join("; ") {
                none if none.is_empty() => {
                    format!("with {rules} it would end otherwise, in what no field shows")
                }
                changes => format!("with {rules} it would end otherwise: {changes}"),
            }
        }
    })
}

fn named(rules: &[Rule]) -> String {
    match rules.iter().map(|rule| rule.id()).collect::<Vec<_>>().join(" or ") {
        none if none.is_empty() => "all rules".into(),
        names => names,
    }
}
