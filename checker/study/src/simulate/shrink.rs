//! Makes a run that violates a property shorter, as long as it stays a run that violates it. What comes out is not
//! always the shortest: only an exhaustive search can say which that is.

use std::collections::HashMap;
use std::convert::Infallible;

use stateright::Model;
use syncsplit_model::world::{Action, State, World, WorldProperty};

use crate::ddmin::ddmin;
use crate::trace::Path;

/// The most steps that are tried; a count and not a time, so that the same run always shrinks to the same.
const STEPS_MAX: u64 = 20_000_000;

/// A run shorter than `actions` that violates `property` at its end, and only there.
#[must_use]
pub fn shrink(world: &World, property: &'static str, actions: &[Action]) -> Path {
    let mut shrinker = Shrinker { world, property, steps_left: STEPS_MAX };
    let Some(mut path) = shrinker.follow(actions.iter().copied()) else { return Path::new() };
    loop {
        let before = path.len();
        path = without_loops(&path);
        path = shrinker.drop_chunks(path);
        if path.len() == before || shrinker.steps_left == 0 {
            return path;
        }
    }
}

struct Shrinker<'a> {
    world: &'a World,
    property: &'static str,
    steps_left: u64,
}

impl Shrinker<'_> {
    /// Takes `actions` in order as far as they are possible, up to a violation; none if there is none.
    ///
    /// After an action was left out, numbers and contents have other names: where an action is not offered, another of
    /// its kind stands in for it, and where there is none it is left out as well.
    fn follow(&mut self, actions: impl Iterator<Item = Action>) -> Option<Path> {
        let mut state = *self.world.init_states().first()?;
        let mut path = vec![(None, state)];
        if self.is_violated(&state) {
            return Some(path);
        }
        for action in actions {
            self.steps_left = self.steps_left.checked_sub(1)?;
            let Some((action, after)) = self.take(&state, action) else { continue };
            state = after;
            path.push((Some(action), state));
            if self.is_violated(&state) {
                return Some(path);
            }
        }
        None
    }

    fn take(&self, state: &State, action: Action) -> Option<(Action, State)> {
        if let Ok(after) = self.world.attempt(state, action) {
            return Some((action, after));
        }
        let mut offered = Vec::new();
        self.world.actions(state, &mut offered);
        let mut alike = offered.into_iter().filter(|other| other.kind() == action.kind());
        alike.find_map(|other| Some((other, self.world.next_state(state, other)?)))
    }

    fn is_violated(&self, state: &State) -> bool {
        WorldProperty::named(self.property)
            .is_some_and(|property| !property.is_true(self.world, state))
    }

    /// Drops what can be dropped, halves first.
    fn drop_chunks(&mut self, mut path: Path) -> Path {
        let actions = |path: &Path| path.iter().filter_map(|(action, _)| *action).collect();
        let (all, half): (Vec<Action>, _) = (actions(&path), path.len() / 2);
        let Ok(_) = ddmin(all, half, |shorter| {
            let followed = self.follow(shorter.iter().copied());
            let taken = followed.filter(|followed| followed.len() < path.len()).map(|followed| {
                path = followed;
                actions(&path)
            });
            Ok::<_, Infallible>(taken)
        });
        path
    }
}

/// The path less what only leads back to a state it has been in.
fn without_loops(path: &Path) -> Path {
    let mut last = HashMap::new();
    for (index, (_, state)) in path.iter().enumerate() {
        last.insert(*state, index);
    }
    let mut short = Path::new();
    let mut at = 0;
    while let Some((action, state)) = path.get(at) {
        short.push((*action, *state));
        at = last.get(state).map_or(at, |last| *last) + 1;
    }
    short
}
