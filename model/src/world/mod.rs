//! The closed world: the protocol's roles, the links between them, a database, an operator and faults, as one
//! [`stateright::Model`] whose reachable states are finite for runs of any length.
//!
//! Here the roles are composed and nothing of the protocol is decided: every transition of a role is the one that
//! [`crate::protocol`] defines. [`state`] holds what there is, in containers of [`bounded`], [`action`] what can
//! happen, `offer` when, [`step`] how, with `arrays` and `hosts`; [`kind`] names sets of actions; [`normal`] says
//! which states are the same, [`property`] what must be true, `condition` when it is, [`promise`] what must come to
//! pass, [`instance`] how large it all is, [`describe`] how a person reads it, [`evidence`] why a state is wrong, [`parties`] who takes part in it,
//! [`lean`] which rules a step leans on, [`symmetry`] which blocks can be exchanged, and `order` which steps can be
//! taken first.

pub mod action;
mod arrays;
pub mod bounded;
pub mod commute;
mod condition;
pub mod describe;
pub mod evidence;
pub mod fault;
mod hosts;
pub mod instance;
pub mod kind;
pub mod lean;
pub mod normal;
mod offer;
mod order;
pub mod parties;
pub mod promise;
pub mod property;
pub mod state;
pub mod step;
pub mod symmetry;
mod values;
pub mod verdict;

use stateright::{Model, Property};

use crate::system::Notice;
pub use action::Action;
pub use commute::Commuting;
pub use evidence::Evidence;
pub use fault::{Fault, FaultClass, Faults};
pub use instance::{
    Bounds, Cache, INSTANCES, Instance, Naming, NumberRange, Start, Stillness, Transactions,
    Variant, World,
};
pub use kind::{ActionKind, ActionKinds};
pub use lean::{Departure, Otherwise};
pub use promise::{PROMISES, PromiseInfo};
pub use property::WorldProperty;
pub use state::{State, Value};
use step::Step;
pub use step::WhyNot;
pub use symmetry::Exchange;
pub use verdict::Verdict;

impl World {
    /// Every step out of `state` without renaming: the action, and the state less the messages that are dead. For
    /// tests of the normal form, and for whoever wants to follow a run with its true numbers.
    #[must_use]
    pub fn raw_successors(&self, state: &State) -> Vec<(Action, State)> {
        self.raw_successors_of(state, |_| true)
    }

    /// Those of [`World::raw_successors`] whose action is `wanted`.
    #[must_use]
    pub fn raw_successors_of(
        &self,
        state: &State,
        wanted: impl Fn(&Action) -> bool,
    ) -> Vec<(Action, State)> {
        let steps = self.enabled(state).into_iter().filter(wanted);
        steps
            .filter_map(|action| {
                let mut after = *state;
                self.raw_step(&mut after, action).ok()?;
                self.drop_dead_messages(&mut after);
                Some((action, after))
            })
            .collect()
    }

    /// Takes `action` in `state` without renaming: the state it leads to, less the messages that are dead. For whoever
    /// follows a run with its true numbers, of at most 63 backups; [`World::attempt`] follows any.
    ///
    /// # Errors
    /// A guard was false: the world does not offer the action, a role refuses it, or it changes nothing.
    pub fn attempt_raw(&self, state: &State, action: Action) -> Result<State, WhyNot> {
        if !self.enabled(state).contains(&action) {
            return Err(WhyNot::NotOffered);
        }
        let mut after = *state;
        self.raw_step(&mut after, action)?;
        self.drop_dead_messages(&mut after);
        if self.normal(after) == self.normal(*state) { Err(WhyNot::Nothing) } else { Ok(after) }
    }

    /// What a Sync's return leads to, wherever it has come from: for whoever takes the Sync's steps elsewhere. What finds
    /// no room on a link is lost there.
    #[must_use]
    pub fn sync_returned(&self, mut state: State, done: bool) -> State {
        let _ = Step { world: self, state: &mut state }.tell(Notice::Synced(done));
        state
    }

    /// The state in which a run begins, without renaming.
    #[must_use]
    pub fn raw_initial(&self) -> State {
        self.initial()
    }

    /// The properties that a check looks at unless it names others: all but those that the world breaks by design. The
    /// roles' own invariants may not survive that a rule of the variant is left out.
    pub fn default_properties(&self) -> impl Iterator<Item = WorldProperty> + use<> {
        let is_ablated = self.rules != self.variant.rules();
        let is_unpromised = match self.variant {
            Variant::Published | Variant::Conventional => true,
            Variant::Hardened | Variant::Synchronous | Variant::Unordered => false,
        };
        WorldProperty::ALL.iter().copied().filter(move |property| {
            !(is_ablated && WorldProperty::OF_ROLES.contains(*property)
                || is_unpromised && WorldProperty::UNPROMISED.contains(*property))
        })
    }

    /// Takes `action`, which is offered in `state`, into `after`, in normal form. False where it leads nowhere; where it is
    /// true, `after` may still equal `state`, and the action then leads nowhere either.
    #[must_use]
    pub fn step_into(&self, state: &State, action: Action, after: &mut State) -> bool {
        *after = *state;
        if self.raw_step(after, action).is_err() {
            return false;
        }
        // What has changed nothing needs no normal form; to ask that of every step would take longer than it saves.
        if ActionKind::OFTEN_IDLE.contains(action.kind()) && after == state {
            return false;
        }
        self.make_normal(after);
        true
    }

    /// The same trace with sequence numbers, values and ids as they would be without renaming, for a reader.
    ///
    /// `trace` is a path of this model: the initial state, then each action with the state it led to. The result is as
    /// long as `trace`, or shorter where `trace` is no path. Each action stands for the same one: of the same kind, to the
    /// same state, and obliged or not as that is. So a loop that was fair is fair.
    #[must_use]
    pub fn concrete(&self, trace: &[(Option<Action>, State)]) -> Vec<(Option<Action>, State)> {
        let mut path: Vec<(Option<Action>, State)> = Vec::with_capacity(trace.len());
        for (action, expected) in trace {
            let Some(action) = action else {
                path.push((None, self.initial()));
                continue;
            };
            let Some(((_, before), (_, renamed))) = path.last().zip(trace.get(path.len() - 1))
            else {
                break;
            };
            let owed = self.obliged(renamed, action);
            let found = self.raw_successors(before).into_iter().find(|(candidate, after)| {
                candidate.kind() == action.kind()
                    && self.obliged(before, candidate) == owed
                    && self.normal(*after) == *expected
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
        let mut after = *state;
        (self.step_into(state, action, &mut after) && after != *state).then_some(after)
    }

    fn format_action(&self, action: &Action) -> String {
        describe::action_text(action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.default_properties().map(WorldProperty::property).collect()
    }
}
