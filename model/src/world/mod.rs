//! The closed world: the protocol's roles, the links between them, a database, an operator and faults, as one
//! [`stateright::Model`] whose reachable states are finite for runs of any length.
//!
//! Here the roles are composed and nothing of the protocol is decided: every transition of a role is the one that
//! [`crate::protocol`] defines. [`state`] holds what there is, [`action`] what can happen, [`step`] how it happens,
//! [`normal`] which states are the same, [`property`] what must be true, [`instance`] how large it all is, and
//! [`describe`] how a person reads it.

pub mod action;
pub mod describe;
pub mod instance;
pub mod normal;
pub mod property;
pub mod state;
pub mod step;

use stateright::{Model, Property};

use crate::protocol::{Rule, Rules};
pub use action::Action;
pub use instance::{Bounds, Faults, INSTANCES, Instance, Variant};
pub use property::{PROPERTIES, PropertyInfo};
pub use state::{State, Value};

/// One instance of the closed system under a set of rules.
#[derive(Clone, Debug)]
pub struct World {
    /// How large the world is, and which faults it has.
    pub bounds: Bounds,
    /// The rules in force.
    pub rules: Rules,
    /// Names of the properties to check; all when empty.
    pub only: Vec<&'static str>,
    /// Whether a rule of the variant was left out by name, which the roles' own invariants may not survive.
    ablated: bool,
}

impl World {
    /// The world of `bounds` under `variant` less the rules in `without`.
    #[must_use]
    pub fn new(bounds: Bounds, variant: Variant, without: &[Rule]) -> Self {
        let rules = without.iter().fold(variant.rules(), |rules, rule| rules.without(*rule));
        Self { bounds, rules, only: Vec::new(), ablated: !without.is_empty() }
    }

    /// The same trace with sequence numbers, values and ids as they would be without renaming, for a reader.
    ///
    /// `trace` is a path of this model: the initial state, then each action with the state it led to.
    #[must_use]
    pub fn concrete(&self, trace: &[(Option<Action>, State)]) -> Vec<(Option<Action>, State)> {
        let mut path: Vec<(Option<Action>, State)> = Vec::with_capacity(trace.len());
        for (action, expected) in trace {
            let Some(action) = action else {
                path.push((None, self.initial()));
                continue;
            };
            let Some((_, before)) = path.last() else { break };
            let found = self.enabled(before).into_iter().find_map(|candidate| {
                let after = self.raw_step(before, candidate)?;
                let same = candidate.kind() == action.kind() && self.normal(after) == *expected;
                same.then_some((candidate, after))
            });
            let Some((candidate, after)) = found else { break };
            path.push((Some(candidate), after));
        }
        path
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.normal(self.initial())]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.collect_enabled(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        // What changes nothing is no transition: a report that tells nothing new, a write to a volume that holds it.
        self.raw_step(state, action).map(|after| self.normal(after)).filter(|after| after != state)
    }

    fn format_action(&self, action: &Action) -> String {
        describe::action_text(action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        PROPERTIES
            .iter()
            .filter(|info| self.only.is_empty() || self.only.contains(&info.name))
            // With a rule left out the roles' own invariants may break by design, at once and to no harm; what
            // matters then is what the harm is.
            .filter(|info| !(self.ablated && info.name.starts_with(property::INVARIANTS)))
            .map(PropertyInfo::property)
            .collect()
    }
}
