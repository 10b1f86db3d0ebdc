//! The shortest run that shows something happening, searched in the small instances. Nothing is judged here.

use std::collections::HashMap;

use stateright::Model;
use syncsplit_model::world::{Action, State, World};

use crate::instance::Instance;
use crate::trace::{Path, Subject, Trace};

/// States of one instance that are searched; a count and not a time, so that the same run is found on any machine.
const STATES_MAX: usize = 50_000;

/// A step: the state before it, its action, and the state after it.
pub(super) type Moment<'a> = (&'a State, &'a Action, &'a State);

/// A shortest run to a step that `is_wanted`, in the first instance of `instances` that has one near enough.
pub(super) fn shortest(
    instances: impl IntoIterator<Item = Instance>,
    is_wanted: impl Fn(&World, Moment<'_>) -> bool,
) -> Option<Trace> {
    instances.into_iter().find_map(|instance| {
        let subject = Subject {
            instance: instance.name,
            bounds: instance.bounds,
            variant: instance.variant,
            without: instance.without,
        };
        let path = search(&subject.world(), &is_wanted)?;
        Some(Trace::new(subject, None, &path, None))
    })
}

fn search(world: &World, is_wanted: impl Fn(&World, Moment<'_>) -> bool) -> Option<Path> {
    let mut states = world.init_states();
    let mut origins: Vec<Option<(usize, Action)>> = vec![None; states.len()];
    let mut numbers: HashMap<State, usize> = states.iter().copied().zip(0..).collect();
    let mut at = 0;
    while let Some(state) = states.get(at).copied().filter(|_| states.len() < STATES_MAX) {
        let mut offered = Vec::new();
        world.actions(&state, &mut offered);
        for action in offered {
            let Some(after) = world.next_state(&state, action) else { continue };
            if is_wanted(world, (&state, &action, &after)) {
                let mut path = way_to(&states, &origins, at);
                path.push((Some(action), after));
                return Some(path);
            }
            numbers.entry(after).or_insert_with(|| {
                states.push(after);
                origins.push(Some((at, action)));
                states.len() - 1
            });
        }
        at += 1;
    }
    None
}

fn way_to(states: &[State], origins: &[Option<(usize, Action)>], mut at: usize) -> Path {
    let mut path = Path::new();
    loop {
        match origins[at] {
            Some((from, action)) => {
                path.push((Some(action), states[at]));
                at = from;
            }
            None => {
                path.push((None, states[at]));
                path.reverse();
                return path;
            }
        }
    }
}
