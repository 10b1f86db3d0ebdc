//! Walks through a world by chance, looking at every property in every state. A walk keeps nothing but its own actions,
//! so that neither the size of the world nor the length of the walk is bounded by memory for states.

use std::sync::atomic::{AtomicBool, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stateright::{Expectation, Model, Property};
use syncsplit_model::world::{Action, ActionKind, State, World};

/// How likely a kind of action is against the others, for [`MOOD`] steps.
const WEIGHTS: &[u64] = &[1, 3, 9];
/// How much less likely than the rest a disruption is, for as long.
const RARITY: &[u64] = &[1, 8, 64, 512];
/// Steps after which both are drawn anew: what takes many steps without a disruption happens, and so does what takes
/// several disruptions one after the other.
const MOOD: u64 = 64;

/// What is to be walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Where chance begins. The same seed walks the same runs, on any machine.
    pub seed: u64,
    /// How many runs.
    pub runs: u64,
    /// The most steps of a run.
    pub steps: u64,
}

/// What was walked.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs begun.
    pub runs: u64,
    /// Steps taken in all runs.
    pub steps: u64,
    /// Steps of the longest run.
    pub longest: u64,
    /// Runs that ended since no action led anywhere.
    pub stuck: u64,
    /// How often each kind of action was taken, by [`Action::kind`].
    pub kinds: Vec<u64>,
    /// The `sometimes` properties that were reached.
    pub reached: Vec<&'static str>,
    /// Whether the walk was ended before its plan was.
    pub interrupted: bool,
}

/// A state that violates an `always`.
#[derive(Clone, Debug)]
pub struct FoundViolation {
    /// The property.
    pub property: &'static str,
    /// The actions that lead there from the initial state.
    pub actions: Vec<Action>,
    /// The number of the run, from 1.
    pub run: u64,
}

/// Walks until a property is violated or the plan is done.
#[must_use]
pub fn walk(
    world: &World,
    plan: Simulation,
    interrupt: &AtomicBool,
) -> (Tally, Option<FoundViolation>) {
    let mut walker = Walker {
        world,
        always: world.properties(),
        sometimes: Vec::new(),
        tally: Tally { kinds: vec![0; ActionKind::ALL.len()], ..Tally::default() },
    };
    let is_always = |property: &Property<World>| property.expectation == Expectation::Always;
    walker.sometimes = walker.always.extract_if(.., |property| !is_always(property)).collect();
    for run in 1..=plan.runs {
        if interrupt.load(Ordering::Relaxed) {
            walker.tally.interrupted = true;
            break;
        }
        // Each run has chances of its own, so that it does not depend on the length of those before.
        let mut chance = Chance::new(plan.seed, run);
        if let Some((property, actions)) = walker.run(&mut chance, plan.steps, interrupt) {
            return (walker.tally, Some(FoundViolation { property, actions, run }));
        }
    }
    (walker.tally, None)
}

/// Numbers by chance.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The numbers of one run: the same for the same seed, on any machine.
    #[must_use]
    pub fn new(seed: u64, run: u64) -> Self {
        // The key is spelt out, so that no library's way of making one of a seed can change the run.
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut chance = ChaCha8Rng::from_seed(key);
        chance.set_stream(run);
        Self(chance)
    }

    /// One of some numbers.
    pub fn one_of(&mut self, numbers: &[u64]) -> u64 {
        numbers[self.below(numbers.len() as u64) as usize]
    }

    /// A number below `limit`, which is above zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        let product = u128::from(self.0.next_u64()) * u128::from(limit);
        (product >> 64) as u64
    }
}

struct Walker<'a> {
    world: &'a World,
    always: Vec<Property<World>>,
    /// Those not reached yet.
    sometimes: Vec<Property<World>>,
    tally: Tally,
}

impl Walker<'_> {
    fn run(
        &mut self,
        chance: &mut Chance,
        steps: u64,
        interrupt: &AtomicBool,
    ) -> Option<(&'static str, Vec<Action>)> {
        let mut mood = Mood::default();
        self.tally.runs += 1;
        let mut taken = Vec::new();
        let mut state = *self.world.init_states().first()?;
        loop {
            if let Some(property) = self.look(&state) {
                return Some((property, taken));
            }
            if taken.len() as u64 >= steps || interrupt.load(Ordering::Relaxed) {
                return None;
            }
            if (taken.len() as u64).is_multiple_of(MOOD) {
                mood = Mood::new(chance);
            }
            let Some((action, after)) = mood.step(self.world, &state, chance) else {
                self.tally.stuck += 1;
                return None;
            };
            state = after;
            taken.push(action);
            self.tally.steps += 1;
            self.tally.longest = self.tally.longest.max(taken.len() as u64);
            if let Some(count) = self.tally.kinds.get_mut(action.kind() as usize) {
                *count += 1;
            }
        }
    }

    /// The first `always` that `state` violates; notes each `sometimes` that it reaches.
    fn look(&mut self, state: &State) -> Option<&'static str> {
        let world = self.world;
        let reached = self.sometimes.extract_if(.., |property| (property.condition)(world, state));
        self.tally.reached.extend(reached.map(|property| property.name));
        let violated = self.always.iter().find(|property| !(property.condition)(world, state));
        violated.map(|property| property.name)
    }
}

/// How likely actions are for a while.
#[derive(Default)]
struct Mood {
    /// By [`Action::kind`].
    weights: Vec<u64>,
    rarity: u64,
}

impl Mood {
    fn new(chance: &mut Chance) -> Self {
        let rarity = chance.one_of(RARITY);
        Self { weights: ActionKind::ALL.iter().map(|_| chance.one_of(WEIGHTS)).collect(), rarity }
    }

    fn weight(&self, action: &Action) -> u64 {
        let weight = self.weights.get(action.kind() as usize).copied().unwrap_or(1);
        if ActionKind::DISRUPTIONS.contains(action.kind()) { weight } else { weight * self.rarity }
    }

    /// One step: a kind by its weight, then one of its actions; none if no action leads anywhere.
    fn step(&self, world: &World, state: &State, chance: &mut Chance) -> Option<(Action, State)> {
        let mut actions = Vec::new();
        world.actions(state, &mut actions);
        while !actions.is_empty() {
            // One action stands for each kind, so that a kind with many is not more likely for it.
            let mut kinds: Vec<Action> = Vec::new();
            for action in &actions {
                if kinds.iter().all(|other| other.kind() != action.kind()) {
                    kinds.push(*action);
                }
            }
            let total = kinds.iter().map(|action| self.weight(action)).sum();
            let mut at = chance.below(total);
            let chosen = kinds.iter().find(|action| {
                let weight = self.weight(action);
                let is_here = at < weight;
                at = at.saturating_sub(weight);
                is_here
            })?;
            let alike = actions.iter().enumerate().filter(|(_, a)| a.kind() == chosen.kind());
            let alike: Vec<(usize, Action)> =
                alike.map(|(index, action)| (index, *action)).collect();
            let (index, action) = alike[chance.below(alike.len() as u64) as usize];
            if let Some(after) = world.next_state(state, action) {
                return Some((action, after));
            }
            actions.remove(index);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn chance_is_the_same_on_every_machine() {
        let mut chance = Chance::new(42, 1);
        let drawn: Vec<u64> = (0..6).map(|_| chance.below(1000)).collect();
        // By the definition of ChaCha with 8 rounds: key 42, stream 1, blocks from 0.
        assert_eq!(drawn, [776, 201, 632, 107, 626, 494]);
        let mut other = Chance::new(42, 2);
        assert_ne!((0..6).map(|_| other.below(1000)).collect::<Vec<_>>(), drawn);
    }
}
