//! A world to be gone through state by state: states and actions as a reader knows them, the path as a picture, and each
//! property's truth of the state at hand. Nothing is said here of a state that nobody has gone to.

mod server;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::Serialize;
use stateright::{Model, Property};
use syncsplit_engine::positions::{Positions, conditions};
use syncsplit_model::world::{Action, Evidence, State, World, WorldProperty, describe};

pub use crate::explore::server::serve;
use crate::trace::{Numbers, Subject, Trace, changes, svg};
use crate::words::expectation;

/// The world as the explorer shows it: a state is shown with its true numbers, and is the same as another if their normal
/// forms are.
#[derive(Clone, Debug)]
pub struct Explored {
    subject: Subject,
    world: Arc<World>,
}

/// A state of [`Explored`].
#[derive(Clone)]
pub struct ExploredState {
    world: Arc<World>,
    normal: State,
    /// With the numbers of the path that led here.
    state: State,
}

impl PartialEq for ExploredState {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Hash for ExploredState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.normal.hash(hasher);
    }
}

/// The fields that a reader follows, one a line.
impl fmt::Debug for ExploredState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = describe::fields(&self.world, &self.state);
        let width = fields.iter().map(|(field, _)| field.len()).max().unwrap_or(0);
        fields.iter().try_for_each(|(field, text)| writeln!(f, "{field:width$}  {text}"))
    }
}

impl Explored {
    /// The world of `subject`.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        let world = Arc::new(subject.world());
        Self { subject, world }
    }

    fn shown(&self, state: State) -> ExploredState {
        let normal = self.world.normal(state);
        // Ids that have grown too far to be told apart begin anew.
        let state = if state.requester.newest.0 < 60 { state } else { normal };
        ExploredState { world: Arc::clone(&self.world), normal, state }
    }
}

impl Model for Explored {
    type State = ExploredState;
    type Action = Action;

    fn init_states(&self) -> Vec<ExploredState> {
        vec![self.shown(self.world.raw_initial())]
    }

    fn actions(&self, state: &ExploredState, actions: &mut Vec<Action>) {
        self.world.actions(&state.state, actions);
    }

    fn next_state(&self, last: &ExploredState, action: Action) -> Option<ExploredState> {
        Some(self.shown(self.world.attempt_raw(&last.state, action).ok()?))
    }

    fn format_action(&self, action: &Action) -> String {
        describe::sentence(&self.world, action)
    }

    /// What the step changes, then every field.
    fn format_step(&self, last: &ExploredState, action: Action) -> Option<String> {
        let after = self.next_state(last, action)?;
        let mut text = String::from("changed by this step\n");
        for change in changes(&self.world, &last.state, &after.state) {
            text.push_str(&format!("  {}: {} -> {}\n", change.field, change.before, change.after));
        }
        Some(format!("{text}\nstate\n{after:?}"))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let asked = self.world.properties().into_iter().zip(conditions());
        let shown = asked.map(|(property, condition)| Property {
            expectation: property.expectation,
            name: property.name,
            condition,
        });
        shown.collect()
    }
}

impl Positions for Explored {
    fn is_true(&self, position: usize, shown: &ExploredState) -> bool {
        let asked = self.world.default_properties().nth(position);
        asked.is_none_or(|info| info.is_true(&self.world, &shown.normal))
    }
}

/// What the explorer is of.
#[derive(Debug, Serialize)]
pub struct ExploredStatus {
    /// The world in one line.
    pub title: String,
}

/// A state that can be gone to from another, or where a run begins.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The action that leads there; none for a state in which a run begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Its number among the actions that the world offers.
    pub action_index: usize,
    /// What the action changes, and the state after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The state's fields; none where the action is offered and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The path that leads there, as a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svg: Option<String>,
    /// Each property, of this state alone.
    pub properties: Vec<Truth>,
}

/// Whether a property is true of one state. Of any other state nothing is said.
#[derive(Debug, Serialize)]
pub struct Truth {
    /// The property.
    pub name: &'static str,
    /// `always` or `sometimes`.
    pub kind: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Whether it is true of the state.
    pub holds: bool,
    /// Why an `always` is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
}

impl Explored {
    /// What is explored.
    #[must_use]
    pub fn status(&self) -> ExploredStatus {
        ExploredStatus { title: self.subject.title() }
    }

    /// Where one can go from the end of a path: the number of a first state, then of an action in each state. None if there
    /// is no such path.
    #[must_use]
    pub fn choices(&self, path: &[usize]) -> Option<Vec<Choice>> {
        let Some((first, rest)) = path.split_first() else {
            let states = self.init_states().into_iter().enumerate();
            let choice = |(index, state)| self.choice(index, &[], None, Some(state));
            return Some(states.map(choice).collect());
        };
        let mut taken = vec![(None, self.init_states().into_iter().nth(*first)?)];
        for index in rest {
            let (_, last) = taken.last()?;
            let action = self.offered(last).into_iter().nth(*index)?;
            let after = self.next_state(last, action)?;
            taken.push((Some(action), after));
        }
        let (_, last) = taken.last()?;
        let actions = self.offered(last).into_iter().enumerate();
        let choice = |(index, action)| {
            self.choice(index, &taken, Some(action), self.next_state(last, action))
        };
        Some(actions.map(choice).collect())
    }

    fn offered(&self, state: &ExploredState) -> Vec<Action> {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        actions
    }

    fn choice(
        &self,
        action_index: usize,
        taken: &[(Option<Action>, ExploredState)],
        action: Option<Action>,
        state: Option<ExploredState>,
    ) -> Choice {
        let last = taken.last().map(|(_, last)| last);
        let outcome = last.zip(action).and_then(|(last, action)| self.format_step(last, action));
        let svg = state.as_ref().map(|state| {
            let path = taken.iter().map(|(action, at)| (*action, at.state));
            let path = path.chain([(action, state.state)]).collect();
            let (subject, numbers) = (self.subject.clone(), Numbers::True);
            svg::picture(&Trace { subject, property: None, numbers, path, loop_from: None })
        });
        Choice {
            action: action.map(|action| self.format_action(&action)),
            action_index,
            outcome,
            svg,
            properties: state.as_ref().map_or_else(Vec::new, |state| self.truths(state)),
            state: state.map(|state| format!("{state:?}")),
        }
    }

    fn truths(&self, shown: &ExploredState) -> Vec<Truth> {
        let truth = |property: WorldProperty| {
            let witness = property.judge(&self.world, &shown.state).err();
            let evidence = witness
                .as_ref()
                .and_then(|witness| Evidence::of(&self.world, &shown.state, witness));
            Truth {
                name: property.name(),
                kind: expectation(&property.kind()),
                says: property.says(),
                holds: witness.is_none(),
                witness: evidence.map(|evidence| evidence.to_string()),
            }
        };
        self.world.default_properties().map(truth).collect()
    }
}
