//! The space that an engine searches: the states of a world, packed, with the properties and promises that are asked.
//!
//! Never here: a decision of the world. Each answer is the world's own.

use std::fmt;
use std::sync::Arc;

use stateright::{Expectation, Model, Property};
use syncsplit_engine::liveness::{Faults, Live, Promise};
use syncsplit_engine::packed::{Pack, Sink};
use syncsplit_engine::positions::{POSITIONS_MAX, Positions, conditions};
use syncsplit_model::world::{
    Action, Commuting, Exchange, PROMISES, PromiseInfo, State, World, WorldProperty,
};

use crate::bits::{PACKED_WORDS, Packed};
use crate::pack::{pack, pack_into, packed_bits, unpack};

/// A condition that a search looks for a state of, in place of properties. Its text tells it from any other.
pub trait Goal: fmt::Debug + Send + Sync {
    /// Whether the condition is true of `state`.
    fn is_reached(&self, world: &World, state: &State) -> bool;
}

/// The name of the property that no state is the goal.
pub const GOAL: &str = "reach";

/// A world that is ready to be searched.
#[derive(Clone, Debug)]
pub struct SearchSpace {
    pub(crate) world: World,
    properties: Vec<WorldProperty>,
    promises: Vec<&'static PromiseInfo>,
    /// What is looked for; then no property or promise is asked.
    goal: Option<Arc<dyn Goal>>,
    /// The exchanges of blocks under which states count as one; none unless asked for.
    pub(crate) exchanges: Vec<Exchange>,
    /// Whether a step that can be taken first is taken at once.
    pub(crate) leads_first: bool,
    /// Which steps commute; none unless asked for.
    pub(crate) commuting: Option<Commuting>,
}

const _: () = assert!(WorldProperty::ALL.len() + 2 * PROMISES.len() <= POSITIONS_MAX);

impl SearchSpace {
    /// The space of `world`, asked for its default properties and no promise.
    #[must_use]
    pub fn new(world: World) -> Self {
        let properties = world.default_properties().collect();
        let (promises, exchanges, leads_first, commuting) = (Vec::new(), Vec::new(), false, None);
        Self { world, properties, promises, goal: None, exchanges, leads_first, commuting }
    }

    /// The same space, in which nothing is asked but for a state that is the goal.
    #[must_use]
    pub fn seeking(self, goal: Arc<dyn Goal>) -> Self {
        Self { properties: Vec::new(), promises: Vec::new(), goal: Some(goal), ..self }
    }

    /// The same space, asked for these properties and promises.
    #[must_use]
    pub fn asking(
        self,
        properties: Vec<WorldProperty>,
        promises: Vec<&'static PromiseInfo>,
    ) -> Self {
        Self { properties, promises, ..self }
    }

    /// The words of the state that `action` leads to from `state`, whose words are `packed`; none where it leads nowhere.
    fn step(&self, state: &State, packed: &Packed, action: Action) -> Option<Packed> {
        let mut after = *state;
        if !self.world.step_into(state, action, &mut after) {
            return None;
        }
        let mut words = [0; PACKED_WORDS];
        pack_into(&self.world, &mut words, &mut after);
        // Words are equal where states in normal form are, and much shorter to compare: one by one, since the first few
        // tell and the last are still on their way to memory.
        if words.iter().eq(packed) {
            return None;
        }
        if self.lead(&mut after) {
            words = pack(&self.world, &after);
        }
        Some(self.least(&after, words))
    }
}

impl Model for SearchSpace {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let states = self.world.init_states();
        states.iter().map(|state| self.representative(state)).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let first = actions.len();
        self.world.actions(state, actions);
        if self.commuting.is_some() {
            actions[first..].reverse();
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.world.next_state(state, action).map(|after| self.representative(&after))
    }

    fn format_action(&self, action: &Action) -> String {
        self.world.format_action(action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        if self.goal.is_some() {
            let [condition, ..] = conditions();
            return vec![Property { expectation: Expectation::Always, name: GOAL, condition }];
        }
        let asked = self.properties.iter().zip(conditions());
        asked
            .map(|(info, condition)| {
                let expectation = info.kind();
                Property { expectation, name: info.name(), condition }
            })
            .collect()
    }
}

/// The properties in their order, then `from` and `to` of each promise.
impl Positions for SearchSpace {
    fn is_true(&self, position: usize, state: &State) -> bool {
        if let Some(goal) = &self.goal {
            return !goal.is_reached(&self.world, state);
        }
        if let Some(property) = self.properties.get(position) {
            return property.is_true(&self.world, state);
        }
        let at = position - self.properties.len();
        let promise = self.promises.get(at / 2);
        promise.is_some_and(|info| match at % 2 {
            0 => (info.from)(state),
            _ => (info.to)(state).is_ok(),
        })
    }
}

impl Pack for SearchSpace {
    type Packed = Packed;

    fn bits(&self) -> usize {
        packed_bits(&self.world)
    }

    fn pack(&self, state: &State) -> Packed {
        pack(&self.world, state)
    }

    fn unpack(&self, packed: &Packed) -> State {
        unpack(&self.world, packed)
    }

    fn successors<S: Sink<Self>>(&self, packed: &Packed, room: &mut Vec<Action>, sink: &mut S) {
        let state = unpack(&self.world, packed);
        self.actions(&state, room);
        let Some(commuting) = &self.commuting else {
            for action in room.drain(..) {
                if let Some(next) = self.step(&state, packed, action) {
                    sink.step(sink.kind(&action), &next);
                }
            }
            return;
        };
        let asleep = sink.asleep();
        let mut before = asleep;
        for action in room.drain(..) {
            let step = commuting.step(&state, &action);
            if asleep & step != 0 {
                sink.sleeps(sink.kind(&action));
            } else if let Some(next) = self.step(&state, packed, action) {
                let kind = sink.kind(&action);
                sink.step_and_sleep(kind, &next, commuting.asleep_after(step, before));
                before |= step;
            }
        }
    }

    fn knows_what_commutes(&self) -> bool {
        self.commuting.is_some()
    }

    fn clashes(&self, state: &State) -> bool {
        self.commuting.as_ref().is_some_and(|known| known.clash(&self.world, state).is_some())
    }
}

impl Live for SearchSpace {
    fn fairness(&self, state: &State, action: &Action) -> Option<u8> {
        self.world.obliged(state, action)
    }

    fn is_fault(&self, state: &State, action: &Action) -> bool {
        self.world.is_fault(state, action)
    }

    fn is_repaired(&self, state: &State) -> bool {
        self.world.is_repaired(state)
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        let conditions = conditions();
        let (pairs, _) = conditions[self.properties.len()..].as_chunks::<2>();
        let asked = self.promises.iter().zip(pairs);
        asked.map(|(info, [from, to])| promise(info, *from, *to)).collect()
    }
}

fn promise(
    info: &PromiseInfo,
    from: fn(&SearchSpace, &State) -> bool,
    to: fn(&SearchSpace, &State) -> bool,
) -> Promise<SearchSpace> {
    let faults = if info.faults_go_on { Faults::GoOn } else { Faults::HaveEnded };
    Promise { name: info.name, says: info.says, from, to, faults }
}
