//! What a run exercised: how often each kind of action and each fault had an effect, and a warning for each that could
//! have had one and never had. Nothing here judges a property.
use std::iter::repeat;

use serde::Serialize;
use syncsplit_engine::{Ending, KINDS_MAX, KindCount, SearchOutcome};
use syncsplit_model::world::{Action, ActionKind, Fault, State, Stillness, World};

const _: () = assert!(ActionKind::ALL.len() * (Fault::ALL.len() + 1) <= KINDS_MAX);

/// What one kind of action contributed.
#[derive(Clone, Debug, Serialize)]
pub struct ActionReport {
    /// Which.
    pub action: ActionKind,
    /// Transitions it made.
    pub fired: u64,
    /// States it was the first way into.
    pub new_states: u64,
}

/// What one fault contributed.
#[derive(Clone, Debug, Serialize)]
pub struct FaultReport {
    /// Its name.
    pub fault: &'static str,
    /// Transitions of actions that are this fault.
    pub fired: u64,
}

/// The group under which an engine counts the action: its kind, apart for each fault that an action of the kind can be.
/// A link taken for failed is counted as if it was up; see [`faults`].
#[must_use]
pub fn group(action: &Action) -> usize {
    let block = action.fault(true).map_or(0, |fault| fault as usize + 1);
    block * ActionKind::ALL.len() + action.kind() as usize
}

fn counts(
    outcome: &SearchOutcome<Action, State>,
) -> impl Iterator<Item = ((usize, ActionKind), KindCount)> {
    let groups = (0..=Fault::ALL.len())
        .flat_map(|block| ActionKind::ALL.iter().map(move |kind| (block, *kind)));
    groups.zip(outcome.kinds.iter().copied().chain(repeat(KindCount::default())))
}

/// Every kind of action, those that never happened included; none where the engine does not count them.
#[must_use]
pub fn actions(outcome: &SearchOutcome<Action, State>) -> Vec<ActionReport> {
    if outcome.kinds.is_empty() {
        return Vec::new();
    }
    let report = |action: &ActionKind| ActionReport { action: *action, fired: 0, new_states: 0 };
    let mut reports: Vec<_> = ActionKind::ALL.iter().map(report).collect();
    for ((_, kind), count) in counts(outcome) {
        reports[kind as usize].fired += count.fired;
        reports[kind as usize].new_states += count.new;
    }
    reports
}

/// Every fault the world has; none where the engine does not count.
///
/// An engine does not tell whether the link was up when it was taken for failed. In a world whose link goes down that
/// kind of action is therefore no evidence of a false suspicion; the secondary's suspicion is.
#[must_use]
pub fn faults(world: &World, outcome: &SearchOutcome<Action, State>) -> Vec<FaultReport> {
    if outcome.kinds.is_empty() {
        return Vec::new();
    }
    let link_fails = world.bounds.faults.contains(Fault::LinkDown);
    let is_evidence = |kind| !(link_fails && kind == ActionKind::Fail);
    let fired = |fault: Fault| -> u64 {
        let of_fault = counts(outcome)
            .filter(|((block, kind), _)| *block == fault as usize + 1 && is_evidence(*kind));
        of_fault.map(|(_, count)| count.fired).sum()
    };
    let faults = world.bounds.faults.iter();
    faults.map(|fault| FaultReport { fault: fault.name(), fired: fired(fault) }).collect()
}

/// A sentence for each action that the world can offer and that never happened, and for each fault of the world that
/// never had an effect. Only a search that saw every state can say never.
#[must_use]
pub fn warnings(world: &World, outcome: &SearchOutcome<Action, State>) -> Vec<String> {
    if outcome.ending != Ending::Complete {
        return Vec::new();
    }
    let silent = actions(outcome)
        .into_iter()
        .filter(|report| report.fired == 0 && world.can_offer(report.action));
    let actions =
        silent.map(|report| format!("{} never happened, though this world has it", report.action));
    let idle = faults(world, outcome).into_iter().filter(|fault| fault.fired == 0);
    let faults = idle.map(|fault| {
        let why = why_idle(world, fault.fault);
        format!("fault {} never had an effect{why}", fault.fault)
    });
    actions.chain(faults).collect()
}

/// What is known of why a fault has no effect in this world.
fn why_idle(world: &World, fault: &str) -> &'static str {
    if fault == Fault::CrashPrimary.name() && world.bounds.stillness == Stillness::Freeze {
        // SPEC 4.1: nothing else of the primary is volatile.
        ": a crash of the primary only ends a hold of host writes, and a world with stillness = \"freeze\" has none; \
         the instance quiesce shows it"
    } else {
        ""
    }
}
