//! Stateright's Explorer on a world, with states and actions as a reader knows them and the path as a picture. The pages
//! are stateright's.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::available_parallelism;

use stateright::{Model, Path, Property};
use syncsplit_engine::positions::{Positions, conditions};
use syncsplit_model::world::{Action, State, World, describe};

use crate::trace::{Numbers, Subject, Trace, changes, svg};

/// The world as Explorer shows it: a state is shown with its true numbers, and is the same as another if their normal
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

    fn as_svg(&self, path: Path<ExploredState, Action>) -> Option<String> {
        let mut led_here = None;
        let mut shown: Vec<(Option<Action>, State)> = Vec::new();
        for (at, action) in path.into_vec() {
            // A step that the model ignores is no part of the path.
            if shown.last().is_none_or(|(_, before)| *before != at.state) {
                shown.push((led_here, at.state));
            }
            led_here = action;
        }
        let subject = self.subject.clone();
        let numbers = Numbers::True;
        let trace = Trace { subject, property: None, numbers, path: shown, loop_from: None };
        Some(svg::picture(&trace))
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

/// Serves Explorer's pages on `subject` until the process ends.
///
/// # Errors
/// The server has failed; what it says itself goes to stderr.
pub fn serve(subject: Subject, address: SocketAddr) -> Result<(), String> {
    let threads = available_parallelism().map_or(1, usize::from);
    let served = catch_unwind(AssertUnwindSafe(|| {
        Explored::new(subject).checker().threads(threads).serve(address)
    }));
    served.map(|_| ()).map_err(|_| format!("the server at http://{address}/ has failed"))
}
